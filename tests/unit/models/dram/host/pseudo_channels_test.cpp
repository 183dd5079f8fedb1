#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <tuple>

#include "models/dram/spec/address_map.hpp"
#include "tests/support/dram_setup.hpp"
#include "tests/support/scale.hpp"

/// Pseudo channels: a command bus for rows and one for columns that they share, all else their own.
namespace bondsim {
namespace {

using test::CoreRun;
using C = DramCommand;

DramConfig hbm_of(int pseudo_channels, int ranks = 1) {
  DramConfig dram = test::dram_part("hbm3-like-16gb");
  dram.organization.pseudo_channels = pseudo_channels;
  dram.organization.ranks = ranks;
  dram.timing.n_rtrs = 2;
  dram.refresh_management.emplace();
  dram.refresh_management->raa_initial = 4;
  dram.refresh_management->raa_multiplier = 4;
  return dram;
}

/// Drawn from a seed: pseudo channels and ranks, and everything that decides what a controller does.
struct DrawnChannel {
  DramConfig dram;
  ControllerConfig controller;
  bool nmp = false;

  explicit DrawnChannel(std::uint64_t seed) {
    test::Random random(seed * 977);
    nmp = random() % 2 == 0;
    const bool two_ranks = random() % 3 == 0;
    const bool other = random() % 4 == 0;
    dram = hbm_of(!other ? 2 : two_ranks ? 1 : 4, two_ranks ? 2 : 1);
    if (random() % 2 == 0) {  // rules that the part makes redundant bind
      dram.timing.n_rc = 80;
      dram.timing.n_ppd = 8;
      dram.timing.n_faw = 30;
      dram.timing.n_aad_min = 2;
      dram.timing.t_pbr2pbr_ns = 10;
    }
    if (random() % 3 == 0) {  // bursts that fill the command bus
      dram.timing.n_bl_min = dram.timing.n_bl_max = dram.timing.n_ccd_s = 1;
      dram.timing.n_ccd_l = 2;
    }
    dram.timing.n_rtrs = static_cast<int>(random() % 5);
    if (random() % 3 == 0) {
      dram.timing.n_cwl = 30;  // WR to RD of another rank is then no shorter than a clock
      dram.timing.n_wtr_l = 60;
    }
    dram.timing.n_aad = random() % 2 == 0 ? 8 : 3;
    controller.act2 = random() % 2 == 0 ? Act2Order::last : Act2Order::by_age;
    controller.page_policy = random() % 2 == 0 ? PagePolicy::open : PagePolicy::closed;
    controller.refresh = random() % 2 == 0 && !nmp ? RefreshKind::per_bank : RefreshKind::all_bank;
    controller.refresh_postpone = random() % 3 == 0 ? static_cast<int>(random() % (nmp ? 8 : 9)) : 0;
    if (nmp && random() % 3 == 0)
      controller.refresh_pull_in = static_cast<int>(random() % static_cast<std::uint64_t>(8 - controller.refresh_postpone));
    controller.refresh_management = random() % 3 == 0 && (!nmp || dram.organization.pseudo_channels == 1);
  }
};

TEST(PseudoChannels, checker_finds_nothing_in_random_work_of_either_mode) {
  const char* asked = std::getenv("BONDSIM_PSEUDO_CHANNEL_CASES");
  const auto cases = static_cast<std::uint64_t>(asked == nullptr ? test::scaled(60) : std::atoi(asked));
  std::int64_t commands = 0;
  for (std::uint64_t seed = 1; seed <= cases; ++seed) {
    const DrawnChannel d(seed);
    const NmpConfig nmp = test::nmp_side();
    CoreRun run(d.dram, d.controller, d.nmp ? &nmp : nullptr, {}, timing_rules(d.dram));
    test::random_work(run, seed, 8, d.dram.organization, d.nmp);
    run.checker.finish(run.now);
    ASSERT_EQ(run.checker.violations(), 0) << "seed " << seed << "\n" << test::describe(run.checker);
    commands += run.checker.commands();
    const ChannelTimes t = run.core.times(run.now);
    EXPECT_EQ(t.host_transfer + t.host_row + t.column + t.row + t.refresh + t.mode_switch + t.free, run.now) << "seed " << seed;
  }
  EXPECT_GT(commands, 10'000 * static_cast<std::int64_t>(cases));
}

TEST(PseudoChannels, checker_reports_each_rule_that_is_loosened_by_one_clock) {
  const auto listed = timing_rules(hbm_of(2, 2));
  for (std::size_t mutant = 0; mutant < listed.size(); ++mutant) {
    const TimingRule& rule = listed[mutant];
    if (rule.preceding == C::refpb && rule.following == C::refab) continue;  // of a change to NMP mode, where none is refreshed in turns
    bool found = false;
    for (std::uint64_t seed = 1; seed <= 160 && !found; ++seed) {
      const DrawnChannel d(seed);
      auto loosened = timing_rules(d.dram);
      if (mutant >= loosened.size()) continue;  // between ranks, of which there is one
      loosened[mutant].cycles += loosened[mutant].latest ? 1 : -1;
      const NmpConfig nmp = test::nmp_side();
      CoreRun run(d.dram, d.controller, d.nmp ? &nmp : nullptr, {}, loosened);
      test::random_work(run, seed, 4, d.dram.organization, d.nmp);
      found = run.checker.violations() > 0;
    }
    EXPECT_TRUE(found) << command_name(rule.preceding) << " to " << command_name(rule.following) << ", scope "
                       << static_cast<int>(rule.scope) << ", " << rule.cycles << " cycles";
  }
}

/// Rules that a trace by hand breaks, a CK after the other from 2000 on where no time is given.
std::set<std::string> broken_by(const DramConfig& dram, const std::vector<std::tuple<int, C, int>>& commands) {
  ControllerConfig controller;
  controller.refresh = RefreshKind::none;
  TraceChecker checker(dram, controller, nullptr);
  for (const auto& [cycle, command, bank] : commands) {
    const bool column = command == C::rd || command == C::wr;
    checker.command({Picoseconds(cycle * 625), command, bank, 0, column ? 0 : -1, 0});
  }
  std::set<std::string> rules;
  for (const auto& entry : checker.by_rule()) rules.insert(entry.first);
  return rules;
}

TEST(PseudoChannels, checker_judges_each_bus_by_the_commands_and_data_on_it) {
  const DramConfig dram = hbm_of(2);  // banks 0 to 15 and 16 to 31; CK of 625 ps, nRCD 23, nCCD_S 2, bursts of 2 CK
  using Trace = std::vector<std::tuple<int, C, int>>;
  const Trace opened = {{0, C::act1, 0}, {1, C::act1, 16}, {2, C::act2, 0}, {3, C::act2, 16}, {4, C::act1, 4}, {5, C::act2, 4}};
  const auto then = [&](Trace more) {
    more.insert(more.begin(), opened.begin(), opened.end());
    return broken_by(dram, more);
  };
  EXPECT_EQ(then({{40, C::rd, 0}, {41, C::rd, 16}, {42, C::rd, 4}}), std::set<std::string>()) << "data on two buses";
  EXPECT_EQ(then({{40, C::rd, 0}, {40, C::rd, 16}}), std::set<std::string>{"command_bus"});
  EXPECT_EQ(then({{40, C::act1, 1}, {40, C::act1, 17}}).count("command_bus"), 1U);
  EXPECT_EQ(then({{40, C::rd, 0}, {40, C::act1, 17}, {41, C::act2, 17}}), std::set<std::string>()) << "a bus each";
  EXPECT_EQ(then({{40, C::rd, 0}, {41, C::rd, 4}}), (std::set<std::string>{"tCCD_S_read", "data_bus"})) << "one data bus";
  EXPECT_EQ(then({{40, C::wr, 0}, {41, C::rd, 16}}), std::set<std::string>()) << "turnarounds are of a bus";
  EXPECT_EQ(then({{60, C::prea, -1}}), std::set<std::string>{"bank_range"}) << "PREA goes to a pseudo channel";
  EXPECT_EQ(then({{60, C::prea, 0}, {90, C::refab, 0}}), std::set<std::string>()) << "row 0 of bank 16 stays open";
  EXPECT_EQ(then({{60, C::prea, 16}, {90, C::refab, 0}}), std::set<std::string>{"refresh_with_open_bank"});
}

/// Nanoseconds of a read of `banks` banks, row after row.
double stream_ns(const DramConfig& dram, int banks, RefreshKind refresh = RefreshKind::none) {
  ControllerConfig controller;
  controller.refresh = refresh;
  CoreRun run(dram, controller, nullptr, {}, timing_rules(dram));
  run.host(test::extent_of(0, banks, 0, 64 * 1024), false);
  run.to_end();
  EXPECT_EQ(run.checker.violations(), 0) << test::describe(run.checker);
  return static_cast<double>(run.now.value) * 1e-3;
}

TEST(PseudoChannels, two_move_twice_the_data_of_one_while_bursts_are_as_long_as_two_commands) {
  for (const RefreshKind refresh : {RefreshKind::none, RefreshKind::all_bank}) {
    const double one = stream_ns(hbm_of(1), 16, refresh);
    EXPECT_NEAR(stream_ns(hbm_of(2), 16, refresh), one, 1.0) << "one of the two alone";
    EXPECT_NEAR(stream_ns(hbm_of(2), 32, refresh) / one, 1.0, 0.01) << "both, twice the bytes";
  }
  // 16 banks x 64 KiB at 25.6 GB/s are 40.96 us.
  EXPECT_NEAR(stream_ns(hbm_of(2), 32), 40'960, 400);
}

TEST(PseudoChannels, the_command_bus_limits_short_bursts_to_one_a_clock) {
  DramConfig dram = hbm_of(2);
  dram.timing.n_bl_min = dram.timing.n_bl_max = dram.timing.n_ccd_s = dram.timing.n_ccd_l = 1;
  // A column a CK is all that a bus for commands to columns takes: 2^15 bursts of 32 B a pseudo channel at 625 ps.
  const double two = stream_ns(dram, 32);
  EXPECT_GE(two, 65'536 * 0.625);
  EXPECT_LT(two, 65'536 * 0.625 * 1.03);
}

TEST(PseudoChannels, one_is_refreshed_while_another_puts_it_off) {
  const DramConfig dram = hbm_of(2);
  ControllerConfig controller;
  controller.refresh_postpone = 4;
  CoreRun run(dram, controller, nullptr, {}, timing_rules(dram));
  run.keep = true;
  run.host(test::extent_of(0, 16, 0, 1024 * 1024), false);  // 16 MB of the first: 650 us
  run.to(Picoseconds(100 * 3'900'000LL));
  int refreshes[2] = {0, 0};
  std::int64_t second_until = 0, read_meanwhile = 0;
  for (const CommandRecord& c : run.commands) {
    if (c.command == C::refab) {
      ++refreshes[c.bank / 16];
      EXPECT_EQ(c.bank % 16, 0);
      if (c.bank == 16) second_until = c.time.value + 350'000;
    }
    read_meanwhile += c.command == C::rd && c.time.value < second_until;
  }
  EXPECT_NEAR(refreshes[1], 100, 1);
  EXPECT_NEAR(refreshes[0], 96, 1) << "as many as are put off are missing";
  EXPECT_GT(read_meanwhile, 95 * 200) << "of 280 bursts in the time of a refresh";
  EXPECT_EQ(run.checker.violations(), 0) << test::describe(run.checker);
}

TEST(PseudoChannels, a_transfer_over_both_ends_once_with_its_last_data) {
  const DramConfig dram = hbm_of(2);
  ControllerConfig controller;
  CoreRun run(dram, controller, nullptr, {}, timing_rules(dram));
  run.keep = true;
  Extent extent = test::extent_of(8, 16, 0, 4096);  // eight banks of each, the first three longer
  extent.longer_banks = 3;
  extent.extra_bytes = 8192;
  run.host(extent, false);
  std::vector<ChannelEvent> events;
  while (run.core.busy()) {
    const auto more = run.to_event(run.now + Picoseconds(1'000'000));
    events.insert(events.end(), more.begin(), more.end());
  }
  ASSERT_EQ(events.size(), 1U);
  std::int64_t last = 0, reads = 0;
  for (const CommandRecord& c : run.commands) {
    if (c.command != C::rd) continue;
    ++reads;
    last = std::max(last, c.time.value + (23 + 2) * 625);
  }
  EXPECT_EQ(reads, extent.bytes() / 32);
  EXPECT_EQ(events.front().time.value, last);
}

/// Without row timing rows close at once: those of all pseudo channels do when the longest of them has read its last, and only then does
/// time belong to the change. Of the 115 ns from then on (14.375 ns of nCL, a burst, 100 ns of the change, less a CK) data takes six
/// bursts.
TEST(PseudoChannels, the_mode_changes_when_the_last_of_them_has_ended) {
  const DramConfig dram = hbm_of(2);  // CK of 625 ps, nCL 23, bursts of 2 CK every 4 CK
  const NmpConfig nmp = test::nmp_side();
  ChannelSwitches switches;
  switches.row_timing = switches.refresh = false;
  for (const int longest : {0, 1}) {
    CoreRun run(dram, {}, &nmp, switches, timing_rules(dram));
    run.keep = true;
    run.host(test::extent_of(16 * longest, 1, 0, 1024), false);
    run.host(test::extent_of(16 * (1 - longest), 1, 0, 64), false);
    run.mode(ChannelMode::nmp);
    std::int64_t last_read = 0, first_close = run.now.value;
    for (const CommandRecord& c : run.commands) {
      if (c.command == C::rd) last_read = std::max(last_read, c.time.value);
      if (c.command == C::prea) first_close = std::min(first_close, c.time.value);
    }
    EXPECT_EQ(first_close, last_read + 625) << longest;
    EXPECT_EQ(run.now.value, last_read + (23 + 2) * 625 + 100'000) << longest;
    EXPECT_EQ(run.core.times(run.now).mode_switch.value, 115'000 - 6 * 1250) << longest;
  }
}

TEST(PseudoChannels, addresses_are_a_bijection_and_neighbouring_bursts_lie_in_different_ones) {
  DramOrganization shape = hbm_of(2, 2).organization;
  shape.rows = 8;
  for (const std::vector<std::string>& fields : {std::vector<std::string>{"row", "bank", "column", "bank_group"},
                                                 {"pseudo_channel", "row", "rank", "bank", "column", "bank_group"}}) {
    AddressMapConfig config;
    config.fields = fields;
    const AddressMap map(config, shape);
    for (std::int64_t address = 0; address < shape.channel_bytes(); address += shape.access_bytes()) {
      ASSERT_EQ(map.encode(map.decode(address)), address);
    }
    EXPECT_EQ(map.decode(32).bank / 32, fields.size() == 4 ? 1 : 0);
    EXPECT_EQ(map.decode(shape.channel_bytes() / 2).bank, fields.size() == 4 ? 16 : 32);
  }
}

}  // namespace
}  // namespace bondsim
