#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "models/nmp/controller_module.hpp"
#include "tests/support/fake_channel.hpp"
#include "tests/support/mapping_setup.hpp"
#include "tests/support/own_process.hpp"

/// The NMP controller on a channel that answers after a fixed time. SystemC elaborates once a process, so each run is one of its own.
namespace bondsim {
namespace {

constexpr std::int64_t transfer_ps = 50'000;
constexpr std::int64_t mode_ps = 1'000'000;

struct Ends : TaskListener {
  std::vector<std::int64_t> at_ps;
  std::function<void()> then;
  void task_done(std::int32_t) override {
    at_ps.push_back(test::FakeChannel::now().value);
    if (then) then();
  }
};

/// Notes the most buffer slots that were in use.
struct Most : SimulationListener {
  int inputs = 0, weights = 0, outputs = 0;
  bool computed = false;
  void nmp_changed(int channel, const NmpState& state) override {
    EXPECT_EQ(channel, 3);
    inputs = std::max(inputs, state.inputs);
    weights = std::max(weights, state.weights);
    outputs = std::max(outputs, state.outputs);
    computed = computed || state.computing;
  }
};

struct Bench {
  NmpConfig config = testing::h2llm_system().nmp;
  Ends ends;
  Most most;
  test::FakeChannel channel{"channel", Picoseconds(transfer_ps), Picoseconds(mode_ps)};
  NmpController nmp{"nmp", config, true, ends};

  Bench() {
    nmp.channel.bind(channel);
    nmp.observe(&most, 3);
    channel.hb_done = [this](std::uint64_t tag) { nmp.hb_transfer_done(tag); };
    channel.mode_done = [this](ChannelMode mode) { nmp.mode_reached(mode); };
  }
};

Extent bytes_at(std::int64_t offset, std::int64_t bytes) {
  Extent e;
  e.banks = 1;
  e.bank_offset = offset;
  e.bytes_per_bank = bytes;
  return e;
}

/// [4, 1024] x [1024, 64] on one PE, tiles of 16 columns and 512 elements of K.
NmpGemm gemm() {
  NmpGemm g;
  g.shape = {1, 4, 64, 1024};
  g.pes_per_gemm = 1;
  g.tiling = {16, 512, LoopOrder::output_stationary};
  g.stationary = {bytes_at(0, 1024 * 64 * 2)};
  g.input = {bytes_at(1 << 20, 4 * 1024 * 2)};
  g.output = {bytes_at(2 << 20, 4 * 64 * 2)};
  return g;
}

Task task(const NmpGemm& gemm) {
  Task t;
  t.kind = TaskKind::nmp_gemm;
  t.op = 0;
  t.nmp = gemm;
  return t;
}

TEST(NmpController, moves_every_operand_in_program_order_between_two_changes_of_mode) {
  EXPECT_EQ(test::in_own_process([] {
              Bench bench;
              const NmpGemm g = gemm();
              sc_core::sc_start(sc_core::SC_ZERO_TIME);
              bench.nmp.start(0, task(g));
              sc_core::sc_start();
              EXPECT_EQ(bench.channel.modes, (std::vector<ChannelMode>{ChannelMode::nmp, ChannelMode::normal}));
              // The program, transfer by transfer; loads of later tiles may overtake a store, so they are compared apart.
              std::vector<std::int64_t> loads, stores, program_loads, program_stores;
              for (const auto& asked : bench.channel.hb) (asked.write ? stores : loads).push_back(asked.bytes);
              TileProgram program(g, bench.config, true);
              for (TileStep step = program.next(); step.kind != TileStep::Kind::end; step = program.next()) {
                for (const Extent& e : step.extents)
                  (step.kind == TileStep::Kind::store_output ? program_stores : program_loads).push_back(e.bytes());
              }
              EXPECT_EQ(loads, program_loads);
              EXPECT_EQ(stores, program_stores);
              EXPECT_EQ(bench.channel.hb.front().at, Picoseconds(mode_ps)) << "nothing moves before the mode is reached";
              return std::to_string(bench.ends.at_ps.size());
            }),
            "1");
}

TEST(NmpController, a_task_that_leaves_the_mode_as_it_is_lets_the_next_begin_at_once) {
  EXPECT_EQ(test::in_own_process([] {
              Bench bench;
              NmpGemm first = gemm(), second = gemm();
              first.leave_mode = false;
              std::int64_t second_began = -1;
              bench.ends.then = [&] {
                if (bench.ends.at_ps.size() > 1) return;
                second_began = static_cast<std::int64_t>(bench.channel.hb.size());
                bench.nmp.start(1, task(second));
              };
              sc_core::sc_start(sc_core::SC_ZERO_TIME);
              bench.nmp.start(0, task(first));
              sc_core::sc_start();
              EXPECT_EQ(bench.channel.modes, (std::vector<ChannelMode>{ChannelMode::nmp, ChannelMode::normal}));
              EXPECT_EQ(bench.channel.hb[static_cast<std::size_t>(second_began)].at.value, bench.ends.at_ps.at(0));
              return std::to_string(bench.ends.at_ps.size());
            }),
            "2");
}

TEST(NmpController, keeps_no_more_in_flight_than_the_buffers_hold) {
  EXPECT_EQ(test::in_own_process([] {
              Bench bench;
              const NmpGemm g = gemm();
              sc_core::sc_start(sc_core::SC_ZERO_TIME);
              bench.nmp.start(0, task(g));
              sc_core::sc_start();
              TileProgram program(g, bench.config, true);
              EXPECT_TRUE(bench.most.computed);
              EXPECT_GT(bench.most.inputs, 0);
              EXPECT_LE(bench.most.inputs, program.input_slots());
              EXPECT_GT(bench.most.weights, 1) << "a piece loads while another is computed on";
              EXPECT_LE(bench.most.weights, program.weight_slots());
              EXPECT_GT(bench.most.outputs, 0);
              EXPECT_LE(bench.most.outputs, program.output_slots());
              return std::string("done");
            }),
            "done");
}

TEST(NmpController, its_times_are_compute_and_waits_within_the_task) {
  EXPECT_EQ(test::in_own_process([] {
              Bench bench;
              const NmpGemm g = gemm();
              sc_core::sc_start(sc_core::SC_ZERO_TIME);
              bench.nmp.start(0, task(g));
              sc_core::sc_start();
              const NmpTimes& times = bench.nmp.times();
              const std::int64_t running = bench.ends.at_ps.at(0) - mode_ps;
              // The channel is free all the time, so what is not computed is waited for.
              EXPECT_EQ((times.compute + times.buffer_wait).value, running);
              EXPECT_EQ(times.hidden.free.value, running);
              // 1024 x 64 columns x 4 rows on 8 FPUs of 16 MACs at 600 MHz is the least that computing takes.
              EXPECT_GE(times.compute.value, std::int64_t{4} * 1024 * 64 / (8 * 16) * 1'000'000 / 600);
              return std::string("done");
            }),
            "done");
}

}  // namespace
}  // namespace bondsim
