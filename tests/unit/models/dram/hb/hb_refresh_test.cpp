#include <gtest/gtest.h>

#include "tests/support/dram_setup.hpp"

/// Refresh of a channel in NMP mode, all banks at once or in turns, when due, later or earlier.
namespace bondsim {
namespace {

using test::CoreRun;
using test::extent_of;

struct Streamed {
  Picoseconds time;
  ChannelCounts counts;
};

ControllerConfig policy(RefreshKind kind, int postpone = 0, int pull_in = 0) {
  ControllerConfig controller;
  controller.refresh = kind;
  controller.refresh_postpone = postpone;
  controller.refresh_pull_in = pull_in;
  return controller;
}

/// All banks read `rows` whole rows in NMP mode.
Streamed stream(const DramConfig& dram, const ControllerConfig& controller, std::int64_t rows, const NmpConfig& nmp = test::nmp_side()) {
  CoreRun run(dram, controller, &nmp, {}, timing_rules(dram));
  const Picoseconds begin = run.mode(ChannelMode::nmp);
  run.hb(extent_of(0, 16, 0, rows * 2048), false);
  run.to_end();
  const Streamed result{run.now - begin, run.core.counts(0)};
  EXPECT_EQ(run.checker.violations(), 0) << test::describe(run.checker);
  return result;
}

TEST(HbRefresh, banks_refreshed_in_turns_lose_their_own_time_and_no_more) {
  const DramConfig dram = test::dram_part("lpddr5-6400-32gb");
  const std::int64_t rows = 1000;
  const auto none = static_cast<double>(stream(dram, policy(RefreshKind::none), rows).time.value);
  const Streamed all = stream(dram, policy(RefreshKind::all_bank), rows);
  const Streamed turns = stream(dram, policy(RefreshKind::per_bank), rows);
  EXPECT_EQ(turns.counts.refreshes_all_bank, 0);
  EXPECT_EQ(all.counts.refreshes_per_bank, 0);
  // A bank is away for 190 of 3904 ns, or with all others for 380 + 2.5 of 3906 ns.
  EXPECT_NEAR(static_cast<double>(turns.time.value) / none, 1 / (1 - 190.0 / 3904), 0.003);
  EXPECT_NEAR(static_cast<double>(all.time.value) / none, 1 / (1 - 382.5 / 3906), 0.003);
  EXPECT_NEAR(static_cast<double>(turns.counts.refreshes_per_bank), static_cast<double>(turns.time.value) / 488'000, 1.5);
}

TEST(HbRefresh, above_85_c_twice_as_many_refreshes_come) {
  DramConfig dram = test::dram_part();
  for (const RefreshKind kind : {RefreshKind::all_bank, RefreshKind::per_bank}) {
    dram.temperature_c = 85;
    const Streamed warm = stream(dram, policy(kind), 500);
    dram.temperature_c = 85.5;
    const Streamed hot = stream(dram, policy(kind), 500);
    const auto often = [](const Streamed& s) {
      return static_cast<double>(s.counts.refreshes_all_bank + s.counts.refreshes_per_bank) / static_cast<double>(s.time.value);
    };
    EXPECT_NEAR(often(hot) / often(warm), 2, 0.05) << enum_name(kind);
    EXPECT_GT(hot.time, warm.time) << enum_name(kind);
  }
}

TEST(HbRefresh, is_put_off_while_work_waits_and_made_up_when_none_does) {
  const DramConfig dram = test::dram_part();
  const NmpConfig nmp = test::nmp_side();
  for (const RefreshKind kind : {RefreshKind::all_bank, RefreshKind::per_bank}) {
    for (const int postpone : {0, 4, 8}) {
      CoreRun run(dram, policy(kind, postpone), &nmp, {}, timing_rules(dram));
      run.mode(ChannelMode::nmp);
      run.hb(extent_of(0, 16, 0, 240 * 2048), false);  // 30 us
      const std::int64_t first =
          (kind == RefreshKind::all_bank ? 3'906'000 : 488'000) + postpone * 3'906'000 - 3'906'000 / 4 * (postpone > 0);
      const auto refreshes = [&] {
        const ChannelCounts c = run.core.counts(0);
        return c.refreshes_all_bank + c.refreshes_per_bank;
      };
      run.to(Picoseconds(first - 1));
      EXPECT_EQ(refreshes(), 0) << enum_name(kind) << " " << postpone;
      run.to(Picoseconds(first + 400'000));
      EXPECT_EQ(refreshes() > 0, first < 28'000'000) << enum_name(kind) << " " << postpone;
      run.to_end();
      run.to(Picoseconds(100'000'000));
      const ChannelCounts idle = run.core.counts(-1);
      const std::int64_t all = refreshes() + idle.refreshes_all_bank + idle.refreshes_per_bank;
      EXPECT_EQ(all, kind == RefreshKind::all_bank ? 25 : 204) << postpone;
      EXPECT_EQ(run.checker.violations(), 0) << test::describe(run.checker);
    }
  }
}

TEST(HbRefresh, banks_without_work_are_refreshed_ahead_and_then_left_alone) {
  const DramConfig dram = test::dram_part();
  const NmpConfig nmp = test::nmp_side();
  for (const RefreshKind kind : {RefreshKind::all_bank, RefreshKind::per_bank}) {
    CoreRun run(dram, policy(kind, 0, 8), &nmp, {}, timing_rules(dram));
    run.mode(ChannelMode::nmp);
    run.to(Picoseconds(10'000'000));
    const ChannelCounts ahead = run.core.counts(-1);
    // 8 intervals ahead of 10 us: the 3rd and the 21st REFpb are due then.
    EXPECT_EQ(ahead.refreshes_all_bank + ahead.refreshes_per_bank, kind == RefreshKind::all_bank ? 10 : 84) << enum_name(kind);
    run.hb(extent_of(0, 16, 0, 200 * 2048), false);  // 25 us
    run.to_end();
    const ChannelCounts busy = run.core.counts(0);
    EXPECT_EQ(busy.refreshes_all_bank + busy.refreshes_per_bank, 0) << enum_name(kind);
    EXPECT_EQ(run.checker.violations(), 0) << test::describe(run.checker);
  }
}

TEST(HbRefresh, a_row_opened_again_and_again_needs_rfm_and_time_for_it) {
  DramConfig dram = test::dram_part();
  const NmpConfig nmp = test::nmp_side();
  dram.refresh_management->raa_initial = 8;
  for (const RefreshKind kind : {RefreshKind::all_bank, RefreshKind::per_bank}) {
    ControllerConfig controller = policy(kind);
    const Streamed plain = stream(dram, controller, 400);
    controller.refresh_management = true;
    const Streamed managed = stream(dram, controller, 400);
    EXPECT_EQ(plain.counts.managements_all_bank + plain.counts.managements_per_bank, 0);
    // Of 400 activates of a bank 16 are free, and each REF or RFM makes up for 8.
    const std::int64_t of_a_bank = kind == RefreshKind::all_bank
                                       ? managed.counts.refreshes_all_bank + managed.counts.managements_all_bank
                                       : (managed.counts.refreshes_per_bank + managed.counts.managements_per_bank) / 8;
    EXPECT_NEAR(static_cast<double>(of_a_bank), (400.0 - 16) / 8, 2) << enum_name(kind);
    EXPECT_GT(managed.time, plain.time) << enum_name(kind);
  }
  // Rows of the bus, one bank: 4 KB apart in the default layout of a list.
  ControllerConfig controller = policy(RefreshKind::per_bank);
  controller.refresh_management = true;
  CoreRun run(dram, controller, &nmp, {}, timing_rules(dram));
  std::vector<ListedRequest> list(300);
  for (std::size_t i = 0; i < list.size(); ++i) list[i].at = {5, static_cast<std::int32_t>(i % 100), 0};
  run.core.submit({list.data(), list.size()}, 0, 1, run.now);
  run.to_end();
  const ChannelCounts c = run.core.counts(0);
  EXPECT_EQ(c.activates, 300);
  EXPECT_GT(c.managements_per_bank, 20);
  EXPECT_EQ(run.checker.violations(), 0) << test::describe(run.checker);
}

TEST(HbRefresh, a_row_read_in_passes_is_opened_once) {
  const DramConfig dram = test::dram_part();
  const NmpConfig nmp = test::nmp_side();
  ChannelSwitches switches;
  switches.refresh = false;
  CoreRun run(dram, {}, &nmp, switches, timing_rules(dram));
  const Picoseconds begin = run.mode(ChannelMode::nmp);
  HbTransfer transfer;
  transfer.extent = extent_of(0, 16, 0, 2048);
  transfer.extent.longer_banks = 4;
  transfer.extent.bytes_per_bank = 1024;
  transfer.extent.extra_bytes = 1024;
  transfer.op = 0;
  transfer.tag = run.tag++;
  transfer.passes = 3;
  transfer.pace_ps = 4000;
  run.core.submit(transfer, run.now);
  run.to_end();
  const ChannelCounts c = run.core.counts(0);
  EXPECT_EQ(c.activates, 16);
  EXPECT_EQ(c.hb_reads, 3 * (4 * 32 + 12 * 16));
  EXPECT_EQ((run.now - begin).value, 15 * 1250 + 95 * 4000 + 2500);
  EXPECT_EQ(run.checker.violations(), 0) << test::describe(run.checker);
}

}  // namespace
}  // namespace bondsim
