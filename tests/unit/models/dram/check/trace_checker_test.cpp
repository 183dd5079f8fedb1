#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>

#include "tests/support/dram_setup.hpp"
#include "tests/support/scale.hpp"

namespace bondsim {
namespace {

using test::CoreRun;
using C = DramCommand;

/// A configuration drawn from the seed. Half of the parts have rows of the datasheet lengthened that LPDDR5 makes redundant (tRC = tRAS +
/// tRP, tFAW = 4 tRRD), so that they bind.
struct Drawn {
  DramConfig dram = test::dram_part("lpddr5-6400-8gb");
  ControllerConfig controller;
  NmpConfig nmp;
  ChannelSwitches switches;

  explicit Drawn(std::uint64_t seed) {
    test::Random random(seed * 77);
    if (random() % 2 == 0) {
      dram.timing.n_rc = 60;
      dram.timing.n_faw = 20;
      dram.timing.n_ppd = 8;
      dram.timing.n_aad_min = 2;
      dram.timing.t_pbr2pbr_ns = 10;  // a round of the banks is shorter than tRFCpb
    }
    if (random() % 2 == 0) dram.timing.n_wckpst = -1;  // a CAS between WR and RD hides one cycle of their distance
    controller.act2 = random() % 2 == 0 ? Act2Order::last : Act2Order::by_age;
    controller.page_policy = random() % 2 == 0 ? PagePolicy::open : PagePolicy::closed;
    controller.refresh = random() % 3 == 0 ? RefreshKind::per_bank : RefreshKind::all_bank;
    controller.refresh_postpone = random() % 3 == 0 ? static_cast<int>(random() % 9) : 0;
    controller.refresh_pull_in = random() % 3 == 0 ? static_cast<int>(random() % 9) : 0;
    controller.refresh_management = random() % 3 == 0;
    dram.refresh_management->raa_initial = 4;  // seldom reached otherwise
    if (random() % 3 == 0) dram.temperature_c = 95;
    const double gbps[] = {6.4, 12.8, 25.6, 51.2};
    nmp = test::nmp_side(gbps[random() % 4], random() % 2 == 0 ? 64 : 32);
    nmp.activate_policy = random() % 2 == 0 ? ActivatePolicy::all_bank : ActivatePolicy::staggered;
    nmp.subarray_overlap = random() % 2 == 0;
    switches.mode_switch = random() % 3 != 0;
  }

  std::string text() const {
    return fmt::format("page policy {}, refresh {}, postpone {}, pull in {}, management {}, {} C, {} {}, overlap {}, mode switch {}",
                       enum_name(controller.page_policy), enum_name(controller.refresh), controller.refresh_postpone,
                       controller.refresh_pull_in, controller.refresh_management, dram.temperature_c, enum_name(nmp.activate_policy),
                       nmp.hb.bandwidth_gbps, nmp.subarray_overlap, switches.mode_switch);
  }
};

TEST(TraceChecker, finds_nothing_in_random_work_of_both_modes) {
  std::int64_t commands = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const Drawn d(seed);
    CoreRun run(d.dram, d.controller, &d.nmp, d.switches, timing_rules(d.dram));
    test::random_work(run, seed, 10, d.dram.organization, true);
    run.checker.finish(run.now);
    ASSERT_EQ(run.checker.violations(), 0) << "seed " << seed << ": " << d.text() << "\n" << test::describe(run.checker);
    commands += run.checker.commands();
  }
  EXPECT_GT(commands, 1'000'000);
}

TEST(TraceChecker, reports_each_rule_of_the_model_when_it_is_loosened_by_one_clock) {
  const std::size_t rules = timing_rules(test::dram_part()).size();
  ASSERT_GT(rules, 35U);
  for (std::size_t mutant = 0; mutant < rules; ++mutant) {
    bool found = false;
    for (std::uint64_t seed = 1; seed <= 80 && !found; ++seed) {
      const Drawn d(seed);
      auto loosened = timing_rules(d.dram);
      loosened[mutant].cycles += loosened[mutant].latest ? 1 : -1;
      CoreRun run(d.dram, d.controller, &d.nmp, d.switches, loosened);
      test::random_work(run, seed, 10, d.dram.organization, true);
      found = run.checker.violations() > 0;
    }
    const TimingRule rule = timing_rules(test::dram_part())[mutant];
    EXPECT_TRUE(found) << "rule " << mutant << ": " << command_name(rule.preceding) << " to " << command_name(rule.following) << ", "
                       << rule.cycles << " cycles";
  }
}

/// What the controller goes by is loosened, the checker keeps the part.
std::map<std::string, std::int64_t> broken_with(const std::function<void(DramConfig&, ControllerConfig&)>& loosen, RefreshKind kind) {
  DramConfig dram = test::dram_part("lpddr5-6400-8gb");
  dram.refresh_management->raa_initial = 4;
  ControllerConfig controller;
  controller.refresh = kind;
  controller.refresh_management = true;
  DramConfig loosened = dram;
  ControllerConfig loose_controller = controller;
  loosen(loosened, loose_controller);
  const NmpConfig nmp = test::nmp_side();
  CoreRun run(loosened, loose_controller, &nmp, {}, timing_rules(loosened));
  run.checker = TraceChecker(dram, controller, &nmp);
  test::random_work(run, 3, 12, dram.organization, true);
  run.checker.finish(run.now);
  return run.checker.by_rule();
}

TEST(TraceChecker, reports_refresh_management_and_temperature_that_the_controller_takes_too_lightly) {
  const auto nothing = [](DramConfig&, ControllerConfig&) {};
  for (const RefreshKind kind : {RefreshKind::all_bank, RefreshKind::per_bank}) {
    EXPECT_TRUE(broken_with(nothing, kind).empty());
    EXPECT_EQ(broken_with([](DramConfig& d, ControllerConfig&) { d.refresh_management->raa_initial = 5; }, kind).count("RAAMMT"), 1U);
    EXPECT_EQ(broken_with([](DramConfig& d, ControllerConfig&) { d.refresh_management->raa_decrement = 1.25; }, kind).count("RAAMMT"), 1U);
    EXPECT_EQ(broken_with([](DramConfig&, ControllerConfig& c) { c.refresh_management = false; }, kind).count("RAAMMT"), 1U);
  }
}

TEST(TraceChecker, refresh_at_the_rate_of_85_c_is_too_slow_for_95_c) {
  for (const RefreshKind kind : {RefreshKind::all_bank, RefreshKind::per_bank}) {
    for (const double at : {85.0, 86.0, 105.0}) {
      const DramConfig cold = test::dram_part();
      DramConfig hot = cold;
      hot.temperature_c = at;
      ControllerConfig controller;
      controller.refresh = kind;
      CoreRun run(cold, controller, nullptr, {}, timing_rules(cold));
      run.checker = TraceChecker(hot, controller, nullptr);
      run.to(Picoseconds(3'906'000 * 20));
      run.checker.finish(run.now);
      EXPECT_EQ(run.checker.by_rule().count("tREFI"), at > 85 ? 1U : 0U) << at << " C, " << enum_name(kind);
    }
  }
}

/// Rules broken by a trace written by hand, on 16 Gb LPDDR5 with cycles of 1250 ps.
class HandWritten : public ::testing::Test {
 protected:
  HandWritten() : dram_(test::dram_part()), nmp_(test::nmp_side()), checker_(dram_, ControllerConfig{}, &nmp_) {}
  void at(Cycle cycle, C command, int bank = -1, int row = -1, int column = -1) {
    checker_.command({Picoseconds(cycle * 1250), command, bank, row, column, 0});
  }
  std::string broken() const {
    std::string rules;
    for (const auto& [rule, count] : checker_.by_rule()) rules += (rules.empty() ? "" : ",") + rule;
    return rules;
  }
  DramConfig dram_;
  NmpConfig nmp_;
  TraceChecker checker_;
};

TEST_F(HandWritten, legal_read_passes) {
  at(0, C::act1, 3, 7);
  at(2, C::act2, 3, 7);
  at(15, C::rd, 3, 7, 16);
  at(34, C::pre, 3);
  at(49, C::act1, 3, 8);
  EXPECT_EQ(broken(), "");
}
TEST_F(HandWritten, column_one_cycle_early_breaks_t_rcd) {
  at(0, C::act1, 3, 7);
  at(2, C::act2, 3, 7);
  at(14, C::rd, 3, 7, 16);
  EXPECT_EQ(broken(), "tRCD");
  ASSERT_EQ(checker_.first().size(), 1U);
  EXPECT_EQ(checker_.first()[0].earlier.command, C::act1);
}
TEST_F(HandWritten, five_activates_in_a_window_of_four_break_t_faw) {
  dram_.timing.n_faw = 20;
  checker_ = TraceChecker(dram_, ControllerConfig{}, &nmp_);
  for (int b = 0; b < 5; ++b) {
    at(4 * b, C::act1, b, 1);
    at(4 * b + 2, C::act2, b, 1);
  }
  EXPECT_EQ(broken(), "tFAW");
}
TEST_F(HandWritten, states_of_rows_are_kept) {
  at(0, C::rd, 0, 0, 0);
  at(100, C::act1, 0, 1);
  at(102, C::act2, 0, 2);
  at(200, C::act1, 0, 3);
  at(202, C::act2, 0, 3);
  at(300, C::rd, 0, 4, 0);
  at(400, C::refab);
  EXPECT_EQ(broken(), "act2_row,act_to_open_bank,column_to_closed_bank,column_to_other_row,refresh_with_open_bank");
}
TEST_F(HandWritten, no_command_names_a_bank_that_is_none) {
  at(0, C::mode_nmp, 21);
  at(400, C::prea, 16);
  at(800, C::act1, -1, 1);
  EXPECT_EQ(broken(), "bank_range");
}
TEST_F(HandWritten, act2_that_never_comes_breaks_t_aad) {
  at(0, C::act1, 0, 1);
  at(9, C::act1, 1, 1);
  EXPECT_EQ(broken(), "tAAD");
}
TEST_F(HandWritten, modes_exclude_each_other) {
  at(0, C::nrd, 0, 0, 0);
  at(10, C::mode_nmp);
  at(11, C::act1, 0, 0);
  at(200, C::rd, 0, 0, 0);
  EXPECT_EQ(broken(), "command_in_nmp_mode,command_in_normal_mode,mode_change");
}
TEST_F(HandWritten, mode_change_needs_closed_banks) {
  at(0, C::act1, 0, 0);
  at(2, C::act2, 0, 0);
  at(50, C::mode_nmp);
  EXPECT_EQ(broken(), "mode_with_open_bank");
}
TEST_F(HandWritten, one_command_a_cycle_and_on_its_edge) {
  at(0, C::act1, 0, 0);
  at(0, C::act1, 8, 0);
  EXPECT_EQ(broken(), "command_bus,tRRD");
  checker_.command({Picoseconds(2001), C::act2, 0, 0, -1, 0});
  EXPECT_EQ(broken(), "clock_edge,command_bus,tAAD_min,tRRD");
}
TEST_F(HandWritten, refresh_more_than_eight_intervals_ahead_is_reported) {
  for (int i = 0; i < 8; ++i) at(400 + 230 * i, C::refab);
  EXPECT_EQ(broken(), "");
  at(400 + 230 * 8, C::refab);  // 2.8 us, with refresh made up to 35.2 us: 32.4 us are more than 8 intervals
  EXPECT_EQ(broken(), "tREFI_ahead");
}
TEST_F(HandWritten, refresh_of_a_bank_in_nmp_mode_holds_its_bank_and_lets_others_go_on) {
  at(0, C::mode_nmp);
  at(100, C::act1, 1, 5);
  at(104, C::refpb, 0);
  at(110, C::act1, 2, 5);
  EXPECT_EQ(broken(), "");
  at(215, C::act1, 8, 5);  // bank 8 is refreshed with bank 0, for 112 cycles
  EXPECT_EQ(broken(), "tRFC_pb");
  at(300, C::refpb, 1);
  EXPECT_EQ(broken(), "refresh_with_open_bank,tRFC_pb");
}
TEST_F(HandWritten, refresh_more_than_nine_intervals_apart_is_late) {
  at(3000, C::refab);
  checker_.finish(Picoseconds(3'906'000 * 9LL));
  EXPECT_EQ(broken(), "");
  checker_.finish(Picoseconds(3'906'000 * 11LL));
  EXPECT_EQ(broken(), "tREFI");
}
TEST_F(HandWritten, act_of_another_bank_waits_7_5_ns_after_refpb) {
  at(0, C::refpb, 0);
  at(6, C::act1, 1, 0);  // 7.5 ns
  EXPECT_EQ(broken(), "");
  at(200, C::refpb, 2);
  at(205, C::act1, 3, 0);
  EXPECT_EQ(broken(), "tAAD,tpbR2act");  // and the ACT2 of bank 1 never came
}
TEST_F(HandWritten, refpb_of_other_banks_are_90_ns_apart) {
  at(0, C::refpb, 0);
  at(72, C::refpb, 1);  // 90 ns, while banks 0 and 8 are still refreshed for 50 ns
  EXPECT_EQ(broken(), "");
  at(143, C::refpb, 2);
  EXPECT_EQ(broken(), "tpbR2pbR");
}
TEST_F(HandWritten, refpb_holds_its_own_bank_and_refab_for_t_rfc_pb) {
  at(0, C::refpb, 0);
  at(111, C::act1, 8, 0);  // bank 8 is refreshed with bank 0, 140 ns are 112 cycles
  EXPECT_EQ(broken(), "tRFC_pb");
  at(113, C::act2, 8, 0);
  at(160, C::pre, 8);
  at(200, C::refpb, 1);
  at(311, C::refab);
  EXPECT_EQ(broken(), "tRFC_pb,tRFC_pb_refresh");
  at(1000, C::refpb, 3);
  at(1111, C::refpb, 11);
  EXPECT_EQ(broken(), "tRFC_pb,tRFC_pb_refresh,tRFC_pb_same_bank");
}
TEST_F(HandWritten, a_read_that_finds_wck_stopped_needs_a_cas_one_cycle_before) {
  dram_.timing.n_wckpst = 1;
  checker_ = TraceChecker(dram_, ControllerConfig{}, &nmp_);
  at(0, C::act1, 3, 7);
  at(2, C::act2, 3, 7);
  at(15, C::cas_rd);
  at(16, C::rd, 3, 7, 0);
  at(35, C::rd, 3, 7, 16);  // 16 + 17 + 2 + 1 = 36: WCK runs until then
  EXPECT_EQ(broken(), "");
  at(55, C::rd, 3, 7, 32);
  EXPECT_EQ(broken(), "wck_stopped");
}
TEST_F(HandWritten, a_cas_is_for_the_column_command_at_the_next_cycle_only) {
  dram_.timing.n_wckpst = 1;
  checker_ = TraceChecker(dram_, ControllerConfig{}, &nmp_);
  at(0, C::act1, 3, 7);
  at(2, C::act2, 3, 7);
  at(15, C::cas_rd);
  at(17, C::rd, 3, 7, 0);
  EXPECT_EQ(broken(), "cas_alone");
  at(100, C::cas_rd);
  at(101, C::wr, 3, 7, 0);
  EXPECT_EQ(checker_.by_rule().at("cas_alone"), 2);
}
/// The model's WCK runs a cycle longer than the part's: some access comes without its CAS.
TEST(TraceChecker, reports_wck_that_is_taken_to_run_one_clock_longer) {
  std::int64_t found = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    DramConfig dram = test::dram_part("lpddr5-6400-8gb");
    const DramConfig part = dram;
    ++dram.timing.n_wckpst;
    CoreRun run(dram, {}, nullptr, {}, timing_rules(dram));
    run.checker = TraceChecker(part, {}, nullptr, {});
    test::random_work(run, seed, 6, dram.organization, false);
    for (const auto& [rule, count] : run.checker.by_rule()) {
      EXPECT_EQ(rule, "wck_stopped");
      found += count;
    }
  }
  EXPECT_GT(found, 0);
}
TEST_F(HandWritten, hb_accesses_keep_the_rate_of_the_port) {
  at(0, C::mode_nmp);
  at(80, C::act1, 0, 0);
  at(95, C::nrd, 0, 0, 0);
  at(97, C::nrd, 0, 0, 32);
  EXPECT_EQ(broken(), "");
  at(98, C::nrd, 0, 0, 64);
  EXPECT_EQ(broken(), "hb_bandwidth");
}

/// 34 ns of tWR, 28 cycles, from the end of the access, which takes 2.
TEST_F(HandWritten, a_row_that_was_written_through_the_port_closes_after_the_access_and_t_wr) {
  at(0, C::mode_nmp);
  at(80, C::act1, 0, 0);
  at(95, C::nwr, 0, 0, 0);
  at(95 + 2 + 28, C::pre, 0);
  EXPECT_EQ(broken(), "");
  at(200, C::act1, 0, 0);
  at(215, C::nwr, 0, 0, 0);
  at(215 + 2 + 27, C::pre, 0);
  EXPECT_EQ(broken(), "tWR_hb");
}
TEST_F(HandWritten, a_row_closes_after_an_access_that_reads_it) {
  at(0, C::mode_nmp);
  at(80, C::act1, 0, 0);
  at(140, C::nrd, 0, 0, 0);
  at(141, C::pre, 0);
  EXPECT_NE(broken().find("precharge_in_access"), std::string::npos) << broken();
}

/// A trace is cut anywhere: what is left must pass, and a fault in it be found.
TEST(TraceChecker, windows_are_judged_without_what_came_before) {
  std::int64_t found = 0, faults = 0;
  for (std::uint64_t seed = 1; seed <= static_cast<std::uint64_t>(test::scaled(20)); ++seed) {
    Drawn drawn(seed);
    CoreRun run(drawn.dram, drawn.controller, &drawn.nmp, drawn.switches, timing_rules(drawn.dram));
    run.keep = true;
    test::random_work(run, seed, 6, drawn.dram.organization, true, 2048);
    test::Random random(seed);
    for (int cut = 0; cut < 5; ++cut) {
      const auto first = static_cast<std::size_t>(test::pick(random, 1, static_cast<std::int64_t>(run.commands.size()) / 2));
      TraceCheckerOptions options{drawn.switches.refresh, drawn.switches.mode_switch, run.commands[first].time};
      TraceChecker checker(drawn.dram, drawn.controller, &drawn.nmp, options);
      TraceChecker faulty(drawn.dram, drawn.controller, &drawn.nmp, options);
      for (std::size_t i = first; i < run.commands.size(); ++i) {
        checker.command(run.commands[i]);
        CommandRecord record = run.commands[i];
        const bool column = record.command == C::rd || record.command == C::wr || record.command == C::nrd || record.command == C::nwr;
        if (column && random() % 50 == 0) {
          record.row = (record.row + 2) % 8;
          ++faults;
        }
        faulty.command(record);
      }
      checker.finish(run.now);
      faulty.finish(run.now);
      found += faulty.violations();
      ASSERT_EQ(checker.violations(), 0) << "seed " << seed << ", from command " << first << ", " << drawn.text() << "\n"
                                         << test::describe(checker);
    }
  }
  EXPECT_GT(found, faults / 2) << "of " << faults << " faults";
}

}  // namespace
}  // namespace bondsim
