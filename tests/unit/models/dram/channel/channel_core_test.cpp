#include <gtest/gtest.h>

#include <set>
#include <tuple>
#include <vector>

#include "tests/support/dram_setup.hpp"

namespace bondsim {
namespace {

using test::CoreRun;
using test::extent_of;

std::int64_t sum(const ChannelTimes& t) {
  return (t.host_transfer + t.host_row + t.column + t.row + t.refresh + t.mode_switch + t.free).value;
}

TEST(AddressMap, is_a_bijection_for_random_layouts) {
  const DramOrganization shape = test::dram_part().organization;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    test::Random random(seed);
    AddressMapConfig config;
    config.fields = {"row", "column:2", "bank_group:1", "bank", "column:4", "bank_group"};
    std::shuffle(config.fields.begin(), config.fields.end(), random);
    std::stable_sort(config.fields.begin(), config.fields.end(), [](const std::string& a, const std::string& b) {
      return a.find(':') != std::string::npos && b.find(':') == std::string::npos;
    });
    // Parts must stand before the rest of their field; the six columns are two parts and nothing is left of them.
    config.xors = {"bank ^= row[3:2]", "bank_group ^= column[1:0]", "row ^= bank[1]"};
    const AddressMap map(config, shape);
    for (int i = 0; i < 200; ++i) {
      const std::int64_t address = test::pick(random, 0, shape.channel_bytes() / 32 - 1) * 32;
      const BurstAddress burst = map.decode(address);
      ASSERT_EQ(map.encode(burst), address) << "seed " << seed;
      ASSERT_LT(burst.bank, 16);
      ASSERT_LT(burst.row, shape.rows);
      ASSERT_LT(burst.column, 64);
    }
  }
}

TEST(AddressMap, default_puts_neighbouring_bursts_in_different_bank_groups) {
  const AddressMap map({}, test::dram_part().organization);
  for (int i = 0; i < 8; ++i) EXPECT_EQ(map.decode(32 * i).bank, 4 * (i % 4));
}

TEST(AddressMap, says_what_is_wrong_with_a_layout) {
  const DramOrganization shape = test::dram_part().organization;
  const auto error = [&](const AddressMapConfig& config) -> std::string {
    try {
      AddressMap map(config, shape);
    } catch (const ConfigError& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_EQ(error({{"row", "bank", "column"}, {}}), "controller.address_map.fields: 2 bits of 'bank_group' are missing");
  EXPECT_EQ(error({{"rows"}, {}}),
            "controller.address_map.fields: 'rows' is not known, allowed: row, bank_group, bank, column, rank, pseudo_channel");
  EXPECT_EQ(error({{"row", "bank", "column:9"}, {}}),
            "controller.address_map.fields: 'column:9' takes 9 bits, allowed: the 6 left of the field's 6");
  const AddressMapConfig self{{"row", "bank", "bank_group", "column"}, {"bank ^= bank[1]"}};
  EXPECT_EQ(error(self), "controller.address_map.xor: 'bank ^= bank[1]' changes its own source, which is not reversible");
}

TEST(ExtentCursor, visits_every_burst_of_the_extent_once_and_none_outside) {
  const DramOrganization shape = test::dram_part().organization;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    test::Random random(seed);
    const Extent extent = test::random_extent(random, shape, 9000);
    std::set<std::tuple<int, int, int>> expected;
    for (int i = 0; i < extent.banks; ++i) {
      for (std::int64_t byte = extent.bank_offset / 32 * 32; byte < extent.bank_offset + extent.bytes_of_bank(i); byte += 32) {
        expected.insert({extent.first_bank + i, static_cast<int>(byte / 2048), static_cast<int>(byte % 2048 / 32)});
      }
    }
    std::set<std::tuple<int, int, int>> visited;
    int row = -1;
    for (ExtentCursor cursor(extent, shape); !cursor.done(); cursor.advance()) {
      const BurstAddress& at = cursor.at();
      EXPECT_GE(at.row, row) << "rows are visited in order";
      row = at.row;
      EXPECT_TRUE(visited.insert({at.bank, at.row, at.column}).second) << "seed " << seed << ": a burst came twice";
    }
    ASSERT_EQ(visited, expected) << "seed " << seed;
    EXPECT_EQ(ExtentCursor::bursts(extent, shape), static_cast<std::int64_t>(expected.size()));
  }
}

TEST(HostController, single_read_takes_rcd_cl_and_burst) {
  const DramConfig dram = test::dram_part();
  CoreRun run(dram, {}, nullptr, {}, timing_rules(dram));
  run.host(extent_of(0, 1, 0, 32), false);
  run.to_end();
  EXPECT_EQ(run.now.value, (1 + 15 + 17 + 2) * 1250);  // submitted at 0, seen at the next edge
}

TEST(HostController, sequential_reads_sustain_90_percent_and_refresh_explains_the_rest) {
  const DramConfig dram = test::dram_part("lpddr5-6400-16gb");
  CoreRun run(dram, {}, nullptr, {}, timing_rules(dram));
  const std::int64_t bytes = 64LL << 20;
  run.host(extent_of(0, 16, 0, bytes / 16), false);
  run.to_end();
  const ChannelTimes t = run.core.times(run.now);
  EXPECT_EQ(sum(t), run.now.value);
  EXPECT_EQ(t.host_transfer.value, bytes / 32 * 2 * 1250);
  EXPECT_GE(static_cast<double>(bytes) / (static_cast<double>(run.now.value) / 1000.0), 0.90 * 12.8);
  // Each refresh costs tRPab and tRFCab, and to open the rows again.
  const std::int64_t refreshes = run.core.counts(0).refreshes_all_bank;
  EXPECT_NEAR(static_cast<double>(refreshes), static_cast<double>(run.now.value) / 3'906'000.0, 1.0);
  EXPECT_EQ(t.refresh.value / (refreshes * 1250) / 10, (224 + 17 - 11) / 10);  // tRFC and tRPab less the last data
  EXPECT_LT(t.host_row.value, refreshes * (15 + 17 + 17 + 8) * 1250);
}

TEST(HostController, without_row_timing_a_stream_takes_its_data_time) {
  const DramConfig dram = test::dram_part();
  ChannelSwitches switches;
  switches.row_timing = switches.refresh = false;
  CoreRun run(dram, {}, nullptr, switches, timing_rules(dram));
  run.host(extent_of(0, 16, 0, 1 << 16), false);
  run.to_end();
  EXPECT_EQ(run.now.value, (1 + 17 + (1 << 20) / 32 * 2) * 1250);
  EXPECT_EQ(run.core.counts(0).activates, 16 * 32);
}

TEST(HostController, read_of_a_waiting_write_is_served_from_the_queue) {
  const DramConfig dram = test::dram_part();
  CoreRun run(dram, {}, nullptr, {}, timing_rules(dram));
  std::vector<ListedRequest> list(20);
  for (std::size_t i = 0; i < list.size(); ++i) {
    list[i].at = {0, static_cast<std::int32_t>(i % 10), 5};
    list[i].write = i < 10;
    list[i].id = i;
  }
  run.core.submit({list.data(), list.size()}, 0, 1, run.now);
  run.to_end();
  const auto& outcomes = run.core.output().outcomes;
  const auto forwarded =
      std::count_if(outcomes.begin(), outcomes.end(), [](const auto& o) { return o.row == RequestOutcome::Row::forwarded; });
  EXPECT_EQ(outcomes.size(), 20U);
  EXPECT_EQ(forwarded, 10 - run.core.counts(0).reads);
  EXPECT_GT(forwarded, 5);
}

TEST(HostController, read_of_another_column_of_a_waiting_writes_row_goes_to_the_dram) {
  const DramConfig dram = test::dram_part();
  CoreRun run(dram, {}, nullptr, {}, timing_rules(dram));
  std::vector<ListedRequest> list(20);
  for (std::size_t i = 0; i < list.size(); ++i) {
    list[i].at = {0, static_cast<std::int32_t>(i % 10), i < 10 ? 5 : 6};
    list[i].write = i < 10;
    list[i].id = i;
  }
  run.core.submit({list.data(), list.size()}, 0, 1, run.now);
  run.to_end();
  EXPECT_EQ(run.core.counts(0).reads, 10);
}

TEST(HostController, closed_page_closes_rows_that_nothing_hits) {
  const DramConfig dram = test::dram_part();
  ControllerConfig controller;
  controller.page_policy = PagePolicy::closed;
  CoreRun run(dram, controller, nullptr, {}, timing_rules(dram));
  run.host(extent_of(3, 1, 0, 256), false);
  run.to_end();
  run.to(run.now + Picoseconds(1'000'000));
  EXPECT_EQ(run.core.counts(0).activates, 1);
  EXPECT_EQ(run.core.counts(-1).precharges, 1);
}

TEST(HostController, refresh_can_be_postponed_by_whole_intervals_under_load_and_is_made_up) {
  const DramConfig dram = test::dram_part();
  for (const int postpone : {0, 4, 8}) {
    ControllerConfig controller;
    controller.refresh_postpone = postpone;
    CoreRun run(dram, controller, nullptr, {}, timing_rules(dram));
    run.host(extent_of(0, 16, 0, 1 << 14), false);
    const Picoseconds before_first = Picoseconds(3'906'000 * (1 + postpone) - 3'906'000 / 4 * (postpone > 0) - 1);
    run.to(before_first);
    EXPECT_EQ(run.core.counts(0).refreshes_all_bank, 0) << postpone;
    run.to_end();
    run.to(Picoseconds(100'000'000));
    EXPECT_EQ(run.core.counts(0).refreshes_all_bank + run.core.counts(-1).refreshes_all_bank, 25);
    EXPECT_EQ(run.checker.violations(), 0) << test::describe(run.checker);
  }
}

/// REFERENCE: per row tRCD + (n - 1) accesses + max(tRTP, rest of tRAS) + tRP.
std::int64_t row_ps(const DramConfig& dram, const NmpConfig& nmp) {
  const DramTiming& t = dram.timing;
  const std::int64_t ck = 1250;
  const std::int64_t access = std::llround(nmp.hb.access_bytes * 1000.0 / nmp.hb.bandwidth_gbps);
  const std::int64_t accesses = dram.organization.page_bytes() / nmp.hb.access_bytes;
  const std::int64_t last = t.n_rcd * ck + (accesses - 1) * access;
  return last + std::max({t.n_rtp * ck, access, t.n_ras * ck - last}) + t.n_rp_pb * ck;
}

TEST(HbEngine, one_bank_streaming_rows_takes_the_closed_form) {
  const DramConfig dram = test::dram_part();
  ChannelSwitches switches;
  switches.refresh = false;
  const double shares[4][2] = {{0.88, 0.90}, {0.78, 0.81}, {0.64, 0.68}, {0.47, 0.52}};
  int i = 0;
  for (const double gbps : {6.4, 12.8, 25.6, 51.2}) {
    const NmpConfig nmp = test::nmp_side(gbps, static_cast<int>(gbps * 2.5));  // 128 to 1024 pins, 2.5 ns a beat
    CoreRun run(dram, {}, &nmp, switches, timing_rules(dram));
    const Picoseconds begin = run.mode(ChannelMode::nmp);
    const std::int64_t rows = 1000;
    run.hb(extent_of(5, 1, 0, rows * 2048), false);
    run.to_end();
    const double expected = static_cast<double>(rows * row_ps(dram, nmp));
    EXPECT_NEAR(static_cast<double>((run.now - begin).value) / expected, 1.0, 0.005) << gbps;
    const double share = 2048.0 * rows / (static_cast<double>((run.now - begin).value) / 1000.0) / gbps;
    EXPECT_GE(share, shares[i][0] - 0.005) << gbps;
    EXPECT_LE(share, shares[i][1] + 0.005) << gbps;
    ++i;
  }
}

TEST(HbEngine, sixteen_banks_in_lockstep_take_as_long_as_one) {
  const DramConfig dram = test::dram_part();
  const NmpConfig nmp = test::nmp_side();
  std::int64_t took[2];
  for (const int banks : {1, 16}) {
    CoreRun run(dram, {}, &nmp, {}, timing_rules(dram));
    const Picoseconds begin = run.mode(ChannelMode::nmp);
    run.hb(extent_of(0, banks, 4096, 100'000), false);
    run.to_end();
    took[banks == 16] = (run.now - begin).value;
    EXPECT_EQ(run.core.counts(0).hb_reads, banks * ceil_div<std::int64_t>(100'000, 64));
    EXPECT_EQ(sum(run.core.times(run.now)), run.now.value);
  }
  EXPECT_EQ(took[0], took[1]);
}

TEST(HbEngine, transfers_that_continue_in_a_row_do_not_activate_again) {
  const DramConfig dram = test::dram_part();
  const NmpConfig nmp = test::nmp_side();
  CoreRun run(dram, {}, &nmp, {}, timing_rules(dram));
  const Picoseconds begin = run.mode(ChannelMode::nmp);
  for (int i = 0; i < 8; ++i) run.hb(extent_of(0, 16, 256 * i, 256), false);
  run.to_end();
  EXPECT_EQ(run.core.counts(0).activates, 16);
  EXPECT_EQ((run.now - begin).value, 15 * 1250 + 32 * 2500);
}

TEST(HbEngine, subarray_overlap_hides_activation_behind_the_columns) {
  const DramConfig dram = test::dram_part();
  NmpConfig nmp = test::nmp_side();
  nmp.subarray_overlap = true;
  ChannelSwitches switches;
  switches.refresh = false;
  CoreRun run(dram, {}, &nmp, switches, timing_rules(dram));
  const Picoseconds begin = run.mode(ChannelMode::nmp);
  run.hb(extent_of(0, 16, 0, 100 * 2048), false);
  run.to_end();
  EXPECT_EQ((run.now - begin).value, 15 * 1250 + 100 * 80'000);  // the first activation, then nothing but columns
}

TEST(HbEngine, staggered_activates_obey_trrd_and_lose_it_only_once) {
  const DramConfig dram = test::dram_part();
  NmpConfig nmp = test::nmp_side();
  nmp.activate_policy = ActivatePolicy::staggered;
  ChannelSwitches switches;
  switches.refresh = false;
  CoreRun run(dram, {}, &nmp, switches, timing_rules(dram));
  const Picoseconds begin = run.mode(ChannelMode::nmp);
  run.hb(extent_of(0, 16, 0, 10 * 2048), false);
  run.to_end();
  const std::int64_t last_bank_behind = 15 * 4 * 1250;
  const std::int64_t alone = 9 * row_ps(dram, nmp) + 15 * 1250 + 32 * 2500;
  EXPECT_EQ((run.now - begin).value, alone + last_bank_behind);
  EXPECT_EQ(run.checker.violations(), 0) << test::describe(run.checker);
}

TEST(ChannelCore, mode_change_drains_precharges_and_waits_its_latency) {
  const DramConfig dram = test::dram_part();
  const NmpConfig nmp = test::nmp_side();
  CoreRun run(dram, {}, &nmp, {}, timing_rules(dram));
  run.keep = true;
  run.host(extent_of(0, 1, 0, 32), true);
  run.mode(ChannelMode::nmp);
  // WR at 16, PREA when write recovery allows, tRPab, 100 ns
  EXPECT_EQ(run.now.value, (1 + 15 + 9 + 2 + 28 + 17) * 1250 + 100'000);
  ASSERT_EQ(run.commands.size(), 5U);
  EXPECT_EQ(run.commands[3].command, DramCommand::prea);
  EXPECT_EQ(run.commands[4].command, DramCommand::mode_nmp);
}

/// A change of mode is of the whole channel and of no operator.
TEST(ChannelCore, a_mode_change_in_the_trace_names_no_bank_row_column_or_requester) {
  const DramConfig dram = test::dram_part();
  const NmpConfig nmp = test::nmp_side();
  CoreRun run(dram, {}, &nmp, {}, timing_rules(dram));
  run.keep = true;
  run.mode(ChannelMode::nmp);
  run.mode(ChannelMode::normal);
  std::vector<DramCommand> changes;
  for (const CommandRecord& r : run.commands) {
    if (r.command != DramCommand::mode_nmp && r.command != DramCommand::mode_normal) continue;
    changes.push_back(r.command);
    EXPECT_EQ(std::make_tuple(r.bank, r.row, r.column, r.requester), std::make_tuple(-1, -1, -1, -1));
  }
  EXPECT_EQ(changes, (std::vector<DramCommand>{DramCommand::mode_nmp, DramCommand::mode_normal}));
}

/// Whoever wakes at next_time() only, as a traced channel does, has each command at its time: none comes late.
TEST(ChannelCore, next_time_names_every_command_of_nmp_mode) {
  const DramConfig dram = test::dram_part();
  const NmpConfig nmp = test::nmp_side();
  CoreRun run(dram, {}, &nmp, {}, timing_rules(dram));
  run.mode(ChannelMode::nmp);
  run.hb(extent_of(0, 16, 0, 3 * 2048), false);
  run.bus(4096, true);
  std::size_t commands = 0;
  while (run.core.busy()) {
    const Picoseconds t = run.core.next_time();
    ASSERT_LE(t.value, 3'000'000) << "three rows of 2 KiB and 4 KiB over the bus take less than 3 us";
    run.core.run(t);
    for (const CommandRecord& record : run.core.output().log) ASSERT_EQ(record.time.value, t.value) << test::describe(record);
    commands += run.core.output().log.size();
    run.core.output().log.clear();
    run.core.take_events(t);
  }
  EXPECT_GE(commands, 3U + 3 * 32) << "an ACT a row, and its accesses of 64 B";
}

TEST(ChannelCore, host_transfers_wait_for_normal_mode) {
  const DramConfig dram = test::dram_part();
  const NmpConfig nmp = test::nmp_side();
  CoreRun run(dram, {}, &nmp, {}, timing_rules(dram));
  run.mode(ChannelMode::nmp);
  run.host(extent_of(0, 1, 0, 32), false);
  run.to(run.now + Picoseconds(1'000'000));
  EXPECT_EQ(run.core.counts(0).reads, 0);
  const Picoseconds asked = run.now;
  run.mode(ChannelMode::normal);
  EXPECT_EQ(run.core.counts(0).reads, 1);
  EXPECT_EQ((run.now - asked).value, 100'000 + (15 + 17 + 2) * 1250);
}

TEST(ChannelCore, result_does_not_depend_on_how_time_is_cut_into_calls) {
  const DramConfig dram = test::dram_part("lpddr5-6400-8gb");
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    test::Random draw(seed);
    NmpConfig nmp = test::nmp_side();
    nmp.activate_policy = draw() % 2 == 0 ? ActivatePolicy::all_bank : ActivatePolicy::staggered;
    nmp.subarray_overlap = draw() % 2 == 0;
    ControllerConfig controller;
    controller.refresh = draw() % 2 == 0 ? RefreshKind::all_bank : RefreshKind::per_bank;
    controller.refresh_postpone = draw() % 2 == 0 ? 2 : 0;
    controller.refresh_pull_in = draw() % 2 == 0 ? 2 : 0;
    std::vector<CommandRecord> traces[2];
    for (const bool cut : {false, true}) {
      CoreRun run(dram, controller, &nmp, {}, timing_rules(dram));
      run.keep = true;
      test::Random random(seed);
      const auto finish = [&] {
        while (cut && run.core.busy()) run.to(run.now + Picoseconds(test::pick(random, 1, 90'000)));
        if (!cut) run.to_end();
      };
      for (int i = 0; i < 3; ++i) run.host(extent_of(i, 9, 70'000 * i, 3000), i % 2 == 0);
      finish();
      run.to(Picoseconds(60'000'000));
      run.core.request_mode(ChannelMode::nmp, run.now);
      finish();
      run.to(Picoseconds(70'000'000));
      for (int i = 0; i < 3; ++i) run.hb(extent_of(i, 9, 70'000 * i, 30'000), i % 2 == 0);
      finish();
      run.to(Picoseconds(200'000'000));
      traces[cut] = run.commands;
      EXPECT_EQ(sum(run.core.times(run.now)), run.now.value);
    }
    ASSERT_EQ(traces[0].size(), traces[1].size()) << "seed " << seed;
    for (std::size_t i = 0; i < traces[0].size(); ++i) {
      ASSERT_EQ(test::describe(traces[0][i]), test::describe(traces[1][i])) << "seed " << seed << ", command " << i;
    }
  }
}

}  // namespace
}  // namespace bondsim
