#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "models/dram/spec/address_map.hpp"
#include "tests/support/dram_setup.hpp"
#include "tests/support/scale.hpp"

/// Several ranks on the buses of a channel.
namespace bondsim {
namespace {

using test::CoreRun;
using C = DramCommand;

DramConfig part_of(int ranks) {
  DramConfig dram = test::dram_part("lpddr5-6400-16gb");
  dram.organization.ranks = ranks;
  dram.timing.n_rtrs = 2;
  return dram;
}

/// Drawn from a seed: two or four ranks, and everything that decides what a controller does.
struct Drawn {
  DramConfig dram;
  ControllerConfig controller;

  explicit Drawn(std::uint64_t seed) {
    test::Random random(seed * 131);
    dram = part_of(random() % 2 == 0 ? 2 : 4);
    if (random() % 2 == 0) {  // rules that LPDDR5 makes redundant bind
      dram.timing.n_rc = 60;
      dram.timing.n_faw = 20;
      dram.timing.n_ppd = 8;
      dram.timing.n_aad_min = 2;
      dram.timing.t_pbr2pbr_ns = 10;
    }
    dram.timing.n_rtrs = static_cast<int>(random() % 5);
    if (random() % 3 == 0) dram.timing.n_cwl = 21;  // WR to RD of another rank is then no shorter than a clock
    controller.act2 = random() % 2 == 0 ? Act2Order::last : Act2Order::by_age;
    controller.page_policy = random() % 2 == 0 ? PagePolicy::open : PagePolicy::closed;
    controller.refresh = random() % 2 == 0 ? RefreshKind::per_bank : RefreshKind::all_bank;
    controller.refresh_postpone = random() % 3 == 0 ? static_cast<int>(random() % 9) : 0;
    controller.refresh_management = random() % 3 == 0;
    dram.refresh_management->raa_initial = 4;
    if (random() % 3 == 0) dram.temperature_c = 95;
  }
};

TEST(Ranks, checker_finds_nothing_in_random_work) {
  std::int64_t commands = 0;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    const Drawn d(seed);
    CoreRun run(d.dram, d.controller, nullptr, {}, timing_rules(d.dram));
    test::random_work(run, seed, 8, d.dram.organization, false);
    run.checker.finish(run.now);
    ASSERT_EQ(run.checker.violations(), 0) << "seed " << seed << ", " << d.dram.organization.ranks << " ranks\n"
                                           << test::describe(run.checker);
    commands += run.checker.commands();
  }
  EXPECT_GT(commands, 500'000);
}

TEST(Ranks, checker_reports_each_rule_that_is_loosened_by_one_clock) {
  const auto listed = timing_rules(part_of(2));
  const auto hb = [](C c) { return c == C::nrd || c == C::nwr; };
  int ranks = 0;
  for (std::size_t mutant = 0; mutant < listed.size(); ++mutant) {
    const TimingRule& rule = listed[mutant];
    if (hb(rule.preceding) || hb(rule.following)) continue;  // behind ports there is one rank
    ranks += rule.scope == RuleScope::other_ranks;
    bool found = false;
    for (std::uint64_t seed = 1; seed <= 80 && !found; ++seed) {
      const Drawn d(seed);
      auto loosened = timing_rules(d.dram);
      loosened[mutant].cycles += loosened[mutant].latest ? 1 : -1;
      CoreRun run(d.dram, d.controller, nullptr, {}, loosened);
      test::random_work(run, seed, 4, d.dram.organization, false);
      found = run.checker.violations() > 0;
    }
    EXPECT_TRUE(found) << command_name(rule.preceding) << " to " << command_name(rule.following) << ", scope "
                       << static_cast<int>(rule.scope) << ", " << rule.cycles << " cycles";
  }
  EXPECT_EQ(ranks, 4);
}

/// What the controller goes by is another part, the checker keeps its own.
std::set<std::string> broken_with(const DramConfig& loosened, RefreshKind kind = RefreshKind::all_bank) {
  const DramConfig dram = part_of(2);
  ControllerConfig controller;
  controller.refresh = kind;
  CoreRun run(loosened, controller, nullptr, {}, timing_rules(loosened));
  run.checker = TraceChecker(dram, controller, nullptr);
  test::random_work(run, 5, 8, dram.organization, false);
  run.to(run.now + Picoseconds(40 * 3'906'000));
  run.checker.finish(run.now);
  std::set<std::string> rules;
  for (const auto& entry : run.checker.by_rule()) rules.insert(entry.first);
  return rules;
}

TEST(Ranks, checker_reports_a_pause_that_is_too_short_and_a_refresh_that_leaves_a_rank_out) {
  EXPECT_EQ(broken_with(part_of(2)), std::set<std::string>());
  DramConfig hasty = part_of(2);
  hasty.timing.n_rtrs = 1;
  EXPECT_EQ(broken_with(hasty), std::set<std::string>{"tRTRS"});
  // All 32 banks as one rank: its REFab names no rank, and it takes the windows of both for one.
  DramConfig one = part_of(1);
  one.organization.bank_groups = 8;
  EXPECT_EQ(broken_with(one).count("bank_range"), 1U);
  DramConfig slow = part_of(2);  // each rank half as often
  slow.timing.t_refi_ns *= 2;
  slow.timing.t_refi_pb_ns *= 2;
  EXPECT_EQ(broken_with(slow), std::set<std::string>{"tREFI"});
  EXPECT_EQ(broken_with(slow, RefreshKind::per_bank), std::set<std::string>{"tREFI"});
}

TEST(Ranks, share_the_data_bus_and_nothing_else) {
  const DramConfig dram = part_of(2);  // nCL 17, nCWL 9, a burst of 2 CK, nRTRS 2, nRRD 4, nFAW 16
  TimingState state(dram.organization, timing_rules(dram));
  const int near = 0, far = 16;
  for (Cycle t = 100; t < 116; t += 4) state.issued(C::act1, near + static_cast<int>(t - 100) / 4, t);
  EXPECT_EQ(state.ready(C::act1, near + 5), 116) << "tFAW of its rank";
  EXPECT_LE(state.ready(C::act1, far), 100) << "the other rank's window is empty";
  state.issued(C::act1, far, 113);
  EXPECT_EQ(state.ready(C::act1, far + 1), 117) << "tRRD of its rank";
  state.issued(C::rd, near, 200);
  EXPECT_EQ(state.ready(C::rd, near + 4), 202) << "another bank group of the rank";
  EXPECT_EQ(state.ready(C::rd, far), 204) << "data end at 219, those of the other rank begin at 221";
  EXPECT_EQ(state.ready(C::wr, far), 212) << "its data come 9 CK after it";
  state.issued(C::wr, far, 300);
  EXPECT_EQ(state.ready(C::wr, near), 304);
  EXPECT_LE(state.ready(C::rd, near), 300) << "data of the RD begin at 317, after those of the WR";
  EXPECT_GT(state.ready(C::rd, far), 310) << "tWTR of its rank";
  state.issued(C::refab, far, 400);
  EXPECT_GT(state.ready(C::act1, far), 600);
  EXPECT_LE(state.ready(C::act1, near), 400) << "refresh takes one rank";
}

TEST(Ranks, each_is_refreshed_in_its_turn_while_the_others_go_on) {
  const DramConfig dram = part_of(2);
  for (const RefreshKind kind : {RefreshKind::all_bank, RefreshKind::per_bank}) {
    ControllerConfig controller;
    controller.refresh = kind;
    CoreRun run(dram, controller, nullptr, {}, timing_rules(dram));
    run.keep = true;
    run.host(test::extent_of(0, 16, 0, 400 * 2048), false);  // rank 0 alone: 13 MB, a millisecond
    run.to(Picoseconds(20 * 3'906'000));
    int refreshes[2] = {0, 0};
    std::int64_t last[2] = {0, 0}, longest[2] = {0, 0};
    bool both = false;
    std::int64_t rank_1_until = 0;
    for (const CommandRecord& c : run.commands) {
      if (c.command == C::refab || c.command == C::refpb) {
        const int rank = c.bank / 16;
        ++refreshes[rank];
        longest[rank] = std::max(longest[rank], c.time.value - last[rank]);
        last[rank] = c.time.value;
        if (rank == 1) rank_1_until = c.time.value + 280'000;
      }
      both = both || (c.command == C::rd && c.time.value < rank_1_until);
    }
    const int each = kind == RefreshKind::all_bank ? 20 : 160;
    for (const int rank : {0, 1}) {
      EXPECT_NEAR(refreshes[rank], each, 1) << enum_name(kind) << ", rank " << rank;
      EXPECT_LT(longest[rank], 2 * 3'906'000);
    }
    EXPECT_TRUE(both) << "rank 0 reads while rank 1 refreshes";
  }
}

TEST(Ranks, a_transfer_visits_every_burst_once_rank_by_rank_in_each_row) {
  const DramOrganization shape = part_of(2).organization;
  test::Random random(11);
  for (int i = 0; i < 20; ++i) {
    const Extent extent = test::random_extent(random, shape, 9000);
    std::set<std::tuple<int, int, int>> seen;
    std::int64_t bursts = 0;
    int row = -1, rank = 0;
    for (ExtentCursor cursor(extent, shape); !cursor.done(); cursor.advance()) {
      const BurstAddress at = cursor.at();
      ++bursts;
      seen.emplace(at.bank, at.row, at.column);
      if (at.row != row) rank = 0;
      EXPECT_GE(shape.rank_of(at.bank), rank);
      row = at.row;
      rank = shape.rank_of(at.bank);
      ExtentCursor jumped(extent, shape);
      jumped.jump(at);
      EXPECT_EQ(jumped.at().bank, at.bank);
    }
    EXPECT_EQ(bursts, ExtentCursor::bursts(extent, shape));
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(bursts));
  }
}

TEST(Ranks, addresses_are_a_bijection_and_a_rank_that_is_not_named_comes_first) {
  DramOrganization shape = part_of(2).organization;
  shape.rows = 8;
  for (const std::vector<std::string>& fields :
       {std::vector<std::string>{"row", "bank", "column", "bank_group"}, {"row", "rank", "bank", "column", "bank_group"}}) {
    AddressMapConfig config;
    config.fields = fields;
    const AddressMap map(config, shape);
    for (std::int64_t address = 0; address < shape.channel_bytes(); address += shape.access_bytes()) {
      EXPECT_EQ(map.encode(map.decode(address)), address);
    }
    EXPECT_EQ(map.decode(shape.channel_bytes() / 2).bank, fields.size() == 4 ? 16 : 0);
  }
}

}  // namespace
}  // namespace bondsim
