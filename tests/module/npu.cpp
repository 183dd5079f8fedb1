#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "models/npu/npu_module.hpp"
#include "tests/support/fake_channel.hpp"
#include "tests/support/mapping_setup.hpp"
#include "tests/support/own_process.hpp"

/// The NPU on a channel that answers after a fixed time. SystemC elaborates once a process, so each run is one of its own.
namespace bondsim {
namespace {

struct Ends : TaskListener {
  std::map<std::int32_t, std::int64_t> at_ps;
  void task_done(std::int32_t task) override { at_ps[task] = test::FakeChannel::now().value; }
};

constexpr std::int64_t transfer_ps = 10'000'000;

/// An NPU of 1 GHz with its channel; `tasks` begin at time 0.
struct Bench {
  NpuConfig config = testing::h2llm_system().npu;
  Ends ends;
  test::FakeChannel channel{"channel", Picoseconds(transfer_ps), Picoseconds(0)};
  Npu npu{"npu", config, 1, 32, true, ends};

  Bench() {
    npu.channels[0].bind(channel);
    channel.host_done = [this](std::uint64_t tag) { npu.host_transfer_done(0, tag); };
  }
  void run(const std::vector<Task>& tasks) {
    sc_core::sc_start(sc_core::SC_ZERO_TIME);  // ports are bound from here on
    for (std::size_t i = 0; i < tasks.size(); ++i) npu.start(static_cast<std::int32_t>(i), tasks[i]);
    sc_core::sc_start();
  }
};

Task gemm_task(std::int32_t chunks, std::int64_t bytes) {
  Task t;
  t.kind = TaskKind::npu_gemm;
  t.executor = ExecutorId::arrays();
  t.op = 0;
  t.npu.shape = {1, 64, 1024, 1024};
  t.npu.chunks = chunks;
  if (bytes > 0) {
    Extent e;
    e.banks = 1;
    e.bytes_per_bank = bytes;
    t.npu.stationary = {e};
  }
  return t;
}

Task vector_task(std::int64_t elements, std::int32_t first_unit, std::int32_t units) {
  Task t;
  t.kind = TaskKind::npu_vector;
  t.executor = ExecutorId::vector_units();
  t.op = 0;
  t.vector = {VectorKind::residual, elements, first_unit, units};  // one operation an element
  return t;
}

Task host_task(TaskKind kind, std::int64_t bytes) {
  Task t;
  t.kind = kind;
  t.executor = ExecutorId::of_channel(0);
  t.op = 0;
  Extent e;
  e.banks = 1;
  e.bytes_per_bank = bytes;
  t.extents = {e};
  return t;
}

TEST(Npu, a_gemm_from_the_scratchpad_takes_its_cycles) {
  const std::int64_t cycles = systolic_cycles(gemm_task(1, 0).npu.shape, testing::h2llm_system().npu);
  EXPECT_EQ(test::in_own_process([] {
              Bench bench;
              bench.run({gemm_task(1, 0)});
              return std::to_string(bench.ends.at_ps.at(0));
            }),
            std::to_string(cycles * 1000));
}

/// Two chunks are asked for at once, each further one when the first of them has been computed; so of four, each pair waits for one
/// transfer.
TEST(Npu, the_stationary_operand_is_double_buffered) {
  const std::int64_t cycles = systolic_cycles(gemm_task(1, 0).npu.shape, testing::h2llm_system().npu);
  const auto upto = [&](std::int64_t chunk) { return cycles * chunk / 4 * 1000; };
  ASSERT_LT(upto(4), transfer_ps) << "transfers bound the pairs";
  const std::int64_t third_ends = 2 * transfer_ps + upto(1) + upto(3) - upto(2), fourth_there = 2 * transfer_ps + upto(2);
  std::ostringstream expected;
  expected << "0 0 " << transfer_ps + upto(1) << " " << transfer_ps + upto(2) << " end "
           << std::max(third_ends, fourth_there) + upto(4) - upto(3);
  EXPECT_EQ(test::in_own_process([] {
              Bench bench;
              bench.run({gemm_task(4, 4 * 4096)});
              std::ostringstream out;
              for (const auto& asked : bench.channel.host) {
                EXPECT_EQ(asked.bytes, 4096);
                EXPECT_FALSE(asked.write);
                out << asked.at.value << " ";
              }
              out << "end " << bench.ends.at_ps.at(0);
              return out.str();
            }),
            expected.str());
}

TEST(Npu, vector_work_on_different_units_runs_side_by_side_and_ends_at_its_own_time) {
  // 128 lanes a unit at 1 GHz: 25,600 elements take 100 ns on two units, 200 ns on one.
  EXPECT_EQ(test::in_own_process([] {
              Bench bench;
              bench.run({vector_task(25600, 0, 2), vector_task(25600, 2, 1)});
              return std::to_string(bench.ends.at_ps.at(0)) + " " + std::to_string(bench.ends.at_ps.at(1));
            }),
            "100000 200000");
}

TEST(Npu, transfers_go_the_way_of_their_kind_and_one_without_bytes_ends_at_once) {
  EXPECT_EQ(test::in_own_process([] {
              Bench bench;
              bench.run({host_task(TaskKind::host_load, 64), host_task(TaskKind::host_scatter, 64), host_task(TaskKind::kv_append, 64),
                         host_task(TaskKind::host_load, 0)});
              std::ostringstream out;
              for (const auto& asked : bench.channel.host) out << (asked.write ? "w" : "r");
              for (const auto& end : bench.ends.at_ps) out << " " << end.second;
              return out.str();
            }),
            "rww 10000000 10000000 10000000 0");
}

/// Arrays before vector units before transfers: each has only the time that those before it do not hide.
TEST(Npu, times_are_exclusive_in_the_order_of_precedence_and_sum_to_the_whole) {
  const std::int64_t gemm_ps = systolic_cycles(gemm_task(1, 0).npu.shape, testing::h2llm_system().npu) * 1000;
  const std::int64_t vector_ps = 6'000'000;
  ASSERT_LT(gemm_ps, vector_ps);
  std::ostringstream expected;
  expected << gemm_ps << " " << vector_ps - gemm_ps << " " << transfer_ps - vector_ps << " 5000000";
  EXPECT_EQ(test::in_own_process([&] {
              Bench bench;
              bench.run({gemm_task(1, 0), vector_task(vector_ps / 1000 * 1024, 0, 0), host_task(TaskKind::host_load, 64)});
              sc_core::sc_start(5, sc_core::SC_US);
              const NpuTimes times = bench.npu.times_until_now();
              std::ostringstream out;
              out << times.compute.value << " " << times.vector.value << " " << times.host_transfer.value << " " << times.free.value;
              return out.str();
            }),
            expected.str());
}

}  // namespace
}  // namespace bondsim
