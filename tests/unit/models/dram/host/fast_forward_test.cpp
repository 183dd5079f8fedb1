#include <gtest/gtest.h>

#include "tests/support/dram_setup.hpp"

namespace bondsim {
namespace {

/// Everything a channel tells of long streams: ends of transfers, time parts, counts.
std::vector<std::int64_t> told(std::uint64_t seed, bool fast_forward, const std::shared_ptr<FastForwardTable>& table) {
  test::Random random(seed * 9176);
  const DramConfig dram = test::dram_part(random() % 2 == 0 ? "lpddr5-6400-8gb" : "lpddr5-6400-16gb");
  ControllerConfig controller;
  controller.act2 = random() % 2 == 0 ? Act2Order::last : Act2Order::by_age;
  controller.scheduler = random() % 4 == 0 ? SchedulerKind::fcfs : SchedulerKind::fr_fcfs;
  controller.page_policy = random() % 3 == 0 ? PagePolicy::closed : PagePolicy::open;
  controller.refresh = static_cast<RefreshKind>(random() % 3);
  controller.refresh_postpone = random() % 3 == 0 ? 4 : 0;
  ChannelSwitches switches;
  switches.column_trains = fast_forward;
  ChannelCore core(dram, controller, nullptr, switches, timing_rules(dram), table);
  std::vector<std::int64_t> list;
  Picoseconds now;
  for (int round = 0; round < 3; ++round) {
    for (std::int64_t n = test::pick(random, 1, 4); n > 0; --n) {
      HostTransfer transfer;
      transfer.extent = test::extent_of(0, 16, test::pick(random, 0, 100) * 32, test::pick(random, 1, 1000) * 32);
      transfer.write = random() % 3 == 0;
      transfer.op = static_cast<std::int32_t>(n);
      transfer.tag = static_cast<std::uint64_t>(n);
      core.submit(transfer, now);
    }
    while (core.busy()) {
      now = core.run_to_event(now + Picoseconds(1'000'000'000));
      for (const ChannelEvent& event : core.take_events(now))
        list.insert(list.end(), {event.time.value, static_cast<std::int64_t>(event.tag)});
    }
    now += Picoseconds(test::pick(random, 1, 30'000'000));
    core.run(now);
    const ChannelTimes t = core.times(now);
    list.insert(list.end(), {t.host_transfer.value, t.host_row.value, t.refresh.value, t.free.value});
    for (int op = -1; op < 5; ++op) {
      const ChannelCounts c = core.counts(op);
      list.insert(list.end(), {c.activates, c.precharges, c.reads, c.writes, c.refreshes_all_bank, c.refreshes_per_bank});
    }
  }
  return list;
}

TEST(FastForward, gives_the_times_and_counts_of_deciding_every_command) {
  std::int64_t taken = 0;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    const auto table = std::make_shared<FastForwardTable>();
    ASSERT_EQ(told(seed, true, table), told(seed, false, nullptr)) << "seed " << seed;
    taken += table->taken();
  }
  EXPECT_GT(taken, 1000) << "steps are taken";
}

}  // namespace
}  // namespace bondsim
