#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "models/dram/channel/channel_module.hpp"
#include "models/nmp/controller_module.hpp"
#include "tests/support/channel_times.hpp"
#include "tests/support/dram_setup.hpp"

/// Tasks of the PEs run ahead of the kernel, against the same tasks event by event: a controller that somebody watches goes by events.
namespace bondsim {
namespace {

using test::pick;
using test::Random;

struct Watcher : SimulationListener {};

Extent in_banks(std::int64_t offset, std::int32_t banks, std::int64_t bytes) {
  Extent e;
  e.banks = banks;
  e.bank_offset = offset;
  e.bytes_per_bank = ceil_div<std::int64_t>(bytes, 128) * 128;
  return e;
}

/// A GEMM with a tiling that the buffers hold, its operands anywhere.
Task random_gemm(Random& random, const NmpConfig& nmp, bool finite_buffers) {
  for (;;) {
    Task t;
    t.kind = TaskKind::nmp_gemm;
    t.op = static_cast<std::int32_t>(pick(random, 0, 2));
    NmpGemm& g = t.nmp;
    const auto pes = static_cast<std::int32_t>(std::int64_t{1} << pick(random, 0, 4));
    g.shape = {1, pick(random, 1, 20), pick(random, 1, 12) * 16, pick(random, 1, 40) * 64};
    g.pes_per_gemm = pes;
    const std::int64_t columns = ceil_div<std::int64_t>(g.shape.n, pes);
    g.tiling = {pick(random, 1, columns), pick(random, 1, 8) * 64,
                pick(random, 0, 1) == 0 ? LoopOrder::output_stationary : LoopOrder::input_stationary};
    g.leave_mode = pick(random, 0, 1) == 0;
    const auto offset = [&](std::int64_t area) { return (area << 22) + pick(random, 0, 40) * 128; };
    const std::int64_t whole = columns * g.shape.k * 2;
    const std::int64_t first = pick(random, 0, 1) == 0 ? whole : pick(random, 1, ceil_div<std::int64_t>(whole, 128)) * 128;
    g.stationary = {in_banks(offset(0), pes, first)};
    if (first < whole) g.stationary.push_back(in_banks(offset(1), pes, whole - first));
    g.input = {in_banks(offset(2), static_cast<std::int32_t>(pick(random, 1, 16)), g.shape.k * g.shape.m)};
    g.output = {in_banks(offset(3), pes, columns * g.shape.m * 2)};
    g.partials = {in_banks(offset(4), pes, columns * g.shape.m * 4)};
    try {
      TileProgram(g, nmp, finite_buffers);
      return t;
    } catch (const InternalError&) {
    }
  }
}

/// A channel, its controller, and who gives them work: one task of the PEs after the other, transfers of the host at any time.
struct Machine : sc_core::sc_module, ChannelListener, TaskListener {
  NmpConfig config;
  Random random;
  DramChannel channel;
  NmpController nmp;
  sc_core::sc_event timer;
  int tasks = 0, transfers = 0;
  std::vector<std::int64_t> answers;  ///< times and numbers of what has ended
  bool finite_buffers;

  Machine(sc_core::sc_module_name name, const DramConfig& dram, const ControllerConfig& controller, const NmpConfig& n,
          const ChannelSwitches& switches, bool finite, std::uint64_t seed, SimulationListener* watcher)
      : sc_module(name),
        config(n),
        random(seed),
        channel("channel", 0, dram, controller, &config, switches, nullptr),
        nmp("nmp", config, finite, *this),
        finite_buffers(finite) {
    nmp.channel.bind(channel);
    if (watcher != nullptr) nmp.observe(watcher, 0);
    channel.bind_listener(*this, this);
    SC_HAS_PROCESS(Machine);
    SC_METHOD(transfer);
    sensitive << timer;
  }

  void note(std::int64_t number) {
    answers.push_back(static_cast<std::int64_t>(sc_core::sc_time_stamp().value()));
    answers.push_back(number);
  }
  void start() {
    if (tasks == 8) return;
    Task task = random_gemm(random, config, finite_buffers);
    if (++tasks == 8) task.nmp.leave_mode = true;
    nmp.start(tasks, task);
  }
  void transfer() {
    if (transfers == 0) start();
    if (++transfers > 30) return;
    HostTransfer t;
    t.extent.banks = 16;
    t.extent.bytes_per_bank = 64 * (transfers % 7);  // nothing at all, too
    t.extent.bank_offset = 4096 * transfers;
    t.write = transfers % 2 == 0;
    t.op = transfers % 3;
    t.tag = static_cast<std::uint64_t>(transfers);
    channel.submit(t);
    timer.notify(sc_core::sc_time(3 + transfers * transfers % 11, sc_core::SC_US));
  }
  void host_transfer_done(int, std::uint64_t tag) override { note(1000 + static_cast<std::int64_t>(tag)); }
  void hb_transfer_done(int, std::uint64_t tag) override { nmp.hb_transfer_done(tag); }
  void mode_reached(int, ChannelMode mode) override { nmp.mode_reached(mode); }
  void task_done(std::int32_t task) override {
    note(task);
    start();
  }
};

struct Pair {
  DramConfig dram = test::dram_part("lpddr5-6400-32gb");
  ControllerConfig controller;
  Watcher watcher;
  std::unique_ptr<Machine> ahead, by_events;

  explicit Pair(std::uint64_t seed) {
    Random random(seed);
    controller.refresh = static_cast<RefreshKind>(pick(random, 0, 2));
    controller.refresh_postpone = pick(random, 0, 1) == 0 ? 0 : static_cast<int>(pick(random, 0, 8));
    controller.refresh_pull_in = pick(random, 0, 1) == 0 ? 0 : static_cast<int>(pick(random, 0, 8));
    controller.page_policy = pick(random, 0, 1) == 0 ? PagePolicy::open : PagePolicy::closed;
    const double gbps[] = {6.4, 12.8, 25.6, 51.2};
    NmpConfig nmp = test::nmp_side(gbps[pick(random, 0, 3)], 1 << (5 + pick(random, 0, 2)));
    nmp.mode_change_ns = static_cast<double>(pick(random, 0, 200));
    nmp.activate_policy = pick(random, 0, 2) == 0 ? ActivatePolicy::staggered : ActivatePolicy::all_bank;
    nmp.subarray_overlap = pick(random, 0, 2) == 0;
    nmp.pe.fpus = 8;
    nmp.pe.macs_per_fpu = 16;
    nmp.pe.clock_mhz = pick(random, 0, 1) == 0 ? 600 : 1000;
    nmp.pe.weight_buffer_kib = static_cast<double>(pick(random, 1, 32));
    nmp.pe.output_buffer_kib = static_cast<double>(pick(random, 1, 4));
    nmp.pe.double_buffered_weights = pick(random, 0, 3) > 0;
    nmp.input_buffer_kib = static_cast<double>(pick(random, 8, 64));
    if (pick(random, 0, 4) == 0) nmp.io_path = IoPath::direct;
    ChannelSwitches switches;
    switches.row_timing = pick(random, 0, 7) > 0;
    switches.refresh = pick(random, 0, 7) > 0;
    switches.mode_switch = pick(random, 0, 7) > 0;
    switches.bus_contention = pick(random, 0, 7) > 0;
    const bool finite = pick(random, 0, 7) > 0;
    const std::string name = std::to_string(seed);
    ahead = std::make_unique<Machine>(("ahead_" + name).c_str(), dram, controller, nmp, switches, finite, seed, nullptr);
    by_events = std::make_unique<Machine>(("events_" + name).c_str(), dram, controller, nmp, switches, finite, seed, &watcher);
  }
};

TEST(NmpAhead, tasks_taken_ahead_of_the_kernel_end_when_they_do_event_by_event) {
  std::vector<std::unique_ptr<Pair>> pairs;
  for (int seed = 1; seed <= 60; ++seed) pairs.push_back(std::make_unique<Pair>(seed));
  sc_core::sc_start(20, sc_core::SC_MS);
  std::int64_t ahead = 0, by_events = 0;
  for (int seed = 1; seed <= 60; ++seed) {
    Machine &a = *pairs[static_cast<std::size_t>(seed - 1)]->ahead, &b = *pairs[static_cast<std::size_t>(seed - 1)]->by_events;
    ASSERT_EQ(a.answers, b.answers) << seed;
    EXPECT_EQ(a.tasks, 8) << seed;
    EXPECT_EQ(a.answers.size(), 2u * (8 + 30)) << seed;
    EXPECT_EQ(a.nmp.times().compute, b.nmp.times().compute) << seed;
    EXPECT_EQ(a.nmp.times().buffer_wait, b.nmp.times().buffer_wait) << seed;
    test::expect_same_parts(a.nmp.times().hidden, b.nmp.times().hidden, seed);
    test::expect_same_parts(a.channel.times_until_now(), b.channel.times_until_now(), seed);
    EXPECT_EQ(a.channel.times_until_now().rows_open, b.channel.times_until_now().rows_open) << seed;
    for (int op = -1; op < 3; ++op) {
      const ChannelCounts x = a.channel.counts_until_now(op), y = b.channel.counts_until_now(op);
      EXPECT_EQ(x.activates, y.activates) << seed;
      EXPECT_EQ(x.precharges, y.precharges) << seed;
      EXPECT_EQ(x.hb_reads, y.hb_reads) << seed;
      EXPECT_EQ(x.hb_writes, y.hb_writes) << seed;
      EXPECT_EQ(x.reads + x.writes, y.reads + y.writes) << seed;
      EXPECT_EQ(x.refreshes_all_bank + x.refreshes_per_bank, y.refreshes_all_bank + y.refreshes_per_bank) << seed;
    }
    ahead += a.nmp.events();
    by_events += b.nmp.events();
  }
  EXPECT_LT(ahead * 5, by_events) << "taken ahead, a task is few events";
}

}  // namespace
}  // namespace bondsim
