#include <gtest/gtest.h>

#include "models/dram/host/page_policy.hpp"
#include "models/dram/host/refresh_policy.hpp"
#include "models/dram/host/scheduler.hpp"
#include "tests/support/dram_setup.hpp"

namespace bondsim {
namespace {

using C = DramCommand;

/// A host state that tests fill by hand: requests in queues, rows open, commands issued.
struct Host {
  explicit Host(ControllerConfig config = {})
      : controller(config),
        dram(test::dram_part()),
        state{TimingState(dram.organization, timing_rules(dram)),
              RowBuffers(16),
              RequestQueues(config.read_queue, config.write_queue, 16),
              Streams(dram.organization),
              WriteDrain(config, dram.timing.ck_mhz),
              WckSync(dram.timing),
              CommandChoice{}} {}

  std::int32_t request(std::int32_t bank, std::int32_t row, bool write = false, Cycle accepted = 0) {
    const std::int32_t index = state.queues.take();
    Request& r = state.queues.at(index);
    r.at = {bank, row, 0};
    r.write = write;
    r.accepted = accepted;
    state.queues.enqueue(index, state.rows.at(bank).open_row());
    return index;
  }
  /// Opens a row by ACT1 at `t` and ACT2 two cycles later; its request is served.
  void open(std::int32_t bank, std::int32_t row, Cycle t) {
    state.rows.begin_opening(bank, row, -1, t);
    state.rows.finish_opening(bank);
    state.rows.serve(bank);
    state.queues.rescan(bank, row);
    state.timing.issued(C::act1, bank, t);
    state.timing.issued(C::act2, bank, t + 2);
  }
  CommandChoice schedule(const Scheduler& scheduler, Cycle t, std::uint64_t blocked = 0, bool write = false) const {
    CommandChoice choice;
    scheduler.choose(state, t, write, blocked, choice);
    return choice;
  }

  ControllerConfig controller;
  DramConfig dram;
  HostState state;
};

TEST(FrFcfs, a_younger_row_hit_goes_before_an_older_request_that_is_not_ready) {
  Host host;
  host.open(3, 7, 0);
  host.request(3, 8);  // needs PRE, which tRAS holds back until cycle 34
  const std::int32_t hit = host.request(3, 7);
  const CommandChoice at_20 = host.schedule(FrFcfs(), 20);
  EXPECT_EQ(at_20.command, C::rd);
  EXPECT_EQ(at_20.request, hit);
  EXPECT_EQ(host.schedule(FrFcfs(), 34).command, C::pre) << "once both are ready the older one goes first";
  EXPECT_EQ(host.schedule(Fcfs(), 20).found, false) << "first come, first served waits";
  EXPECT_EQ(host.schedule(Fcfs(), 20).earliest, 34);
}

TEST(FrFcfs, of_ready_commands_that_of_the_oldest_request_is_taken) {
  Host host;
  host.request(5, 1);
  host.request(2, 1);
  const CommandChoice first = host.schedule(FrFcfs(), 100);
  EXPECT_EQ(first.command, C::act1);
  EXPECT_EQ(first.bank, 5);
  EXPECT_EQ(host.schedule(FrFcfs(), 100, 1U << 5).bank, 2) << "bank 5 is blocked by a refresh";
  EXPECT_FALSE(host.schedule(Fcfs(), 100, 1U << 5).found);
}

TEST(FrFcfs, says_when_the_first_command_will_be_ready) {
  Host host;
  host.open(0, 4, 10);
  host.request(0, 4);
  const CommandChoice choice = host.schedule(FrFcfs(), 12);
  EXPECT_FALSE(choice.found);
  EXPECT_EQ(choice.earliest, 10 + 15);  // tRCD
}

TEST(ChooseOpened, act2_at_its_deadline_goes_before_a_request_whose_row_is_open) {
  Host host;
  const std::int32_t first = host.request(0, 4);
  host.state.rows.begin_opening(0, 4, first, 0);
  host.state.timing.issued(C::act1, 0, 0);
  host.state.rows.finish_opening(0);
  host.state.timing.issued(C::act2, 0, 2);
  const std::int32_t second = host.request(1, 4);
  host.state.rows.begin_opening(1, 4, second, 12);
  host.state.timing.issued(C::act1, 1, 12);
  for (const Cycle t : {19, 20}) {
    CommandChoice choice;
    choose_opened(host.state, t, false, choice);
    EXPECT_EQ(choice.command, t == 20 ? C::act2 : C::rd) << "tAAD is 8 cycles";
  }
}

TEST(ClosedPage, closes_the_row_opened_first_of_those_that_nothing_hits) {
  Host host;
  host.open(0, 1, 0);
  host.open(1, 1, 4);
  host.open(2, 1, 8);
  host.request(0, 1);  // hits
  CommandChoice choice;
  make_row_closing(PagePolicy::closed)->choose(host.state, 100, choice);
  EXPECT_EQ(choice.command, C::pre);
  EXPECT_EQ(choice.bank, 1);
  CommandChoice none;
  make_row_closing(PagePolicy::open)->choose(host.state, 100, none);
  EXPECT_FALSE(none.found);
}

TEST(WriteDrain, serves_writes_above_the_high_mark_until_below_the_low_one) {
  ControllerConfig config;
  config.write_queue = 10;
  config.write_wait_ns = 0;
  Host host(config);
  host.request(0, 0);  // a read waits throughout
  WriteDrain& drain = host.state.drain;
  std::vector<std::int32_t> writes;
  const auto update = [&] {
    drain.update(0, host.state.queues);
    return drain.writing();
  };
  for (int i = 0; i < 8; ++i) writes.push_back(host.request(i, 0, true));
  EXPECT_FALSE(update()) << "8 of 10 are not above 80 %";
  writes.push_back(host.request(8, 0, true));
  EXPECT_TRUE(update());
  while (writes.size() > 2) {
    host.state.queues.unlink(writes.back(), -1);
    writes.pop_back();
    EXPECT_TRUE(update()) << writes.size();
  }
  host.state.queues.unlink(writes.back(), -1);
  EXPECT_FALSE(update()) << "1 of 10 is below 20 %";
}

TEST(WriteDrain, a_write_that_waited_too_long_has_all_writes_served) {
  ControllerConfig config;
  config.write_wait_ns = 500;  // 400 cycles
  Host host(config);
  host.request(0, 0);
  const std::int32_t old = host.request(1, 0, true, 10);
  const std::int32_t young = host.request(2, 0, true, 300);
  WriteDrain& drain = host.state.drain;
  drain.update(409, host.state.queues);
  EXPECT_FALSE(drain.writing());
  drain.update(410, host.state.queues);
  EXPECT_TRUE(drain.writing());
  host.state.queues.unlink(old, -1);
  drain.update(420, host.state.queues);
  EXPECT_TRUE(drain.writing()) << "the young write is served too";
  host.state.queues.unlink(young, -1);
  drain.update(430, host.state.queues);
  EXPECT_FALSE(drain.writing());
}

TEST(WriteDrain, an_open_row_whose_write_waited_too_long_is_overdue) {
  ControllerConfig config;
  config.write_wait_ns = 500;  // 400 cycles
  Host host(config);
  const std::int32_t write = host.request(3, 7, true);
  host.state.rows.begin_opening(3, 7, write, 100);
  host.state.rows.finish_opening(3);
  const auto overdue = [&](Cycle t) { return host.state.drain.opened_write_overdue(t, host.state.rows, host.state.queues); };
  EXPECT_FALSE(overdue(499));
  EXPECT_TRUE(overdue(500));
  const std::int32_t read = host.request(4, 7);
  host.state.rows.serve(3);
  host.state.rows.begin_opening(4, 7, read, 100);
  host.state.rows.finish_opening(4);
  EXPECT_FALSE(overdue(5000)) << "a read waits for nothing";
}

TEST(PerBankRefresh, visits_all_banks_in_pairs_and_closes_only_theirs) {
  Host host;
  const auto refresh = make_refresh_policy(host.dram, RefreshKind::per_bank);
  EXPECT_EQ(refresh->turns(), 8);
  RefreshState state{true, 488'000, 0, {}};
  std::uint64_t seen = 0;
  for (int turn = 0; turn < 8; ++turn) {
    EXPECT_EQ(refresh->banks(state), 0x101ULL << turn);
    seen |= refresh->banks(state);
    TimingState timing = host.state.timing;
    refresh->issued(timing, 100, state);
    EXPECT_EQ(timing.ready(C::act1, (turn + 8) % 16), 100 + 112) << "tRFCpb of 140 ns";
    EXPECT_EQ(timing.ready(C::act1, (turn + 1) % 16), 100 + 6) << "tpbR2act of 7.5 ns";
    EXPECT_EQ(timing.ready(C::refpb, (turn + 1) % 16), 100 + 72) << "tpbR2pbR of 90 ns";
  }
  EXPECT_EQ(seen, 0xffffU);
  EXPECT_EQ(state.due_ps, 9 * 488'000);
  host.open(0, 3, 0);
  host.open(1, 3, 4);
  CommandChoice choice;
  refresh->choose(host.state, 1000, state, choice);
  EXPECT_EQ(choice.command, C::pre);
  EXPECT_EQ(choice.bank, 0);
}

TEST(AllBankRefresh, closes_all_banks_and_waits_for_requests_that_rows_were_opened_for) {
  Host host;
  const auto refresh = make_refresh_policy(host.dram, RefreshKind::all_bank);
  RefreshState state{true, 3'906'000, 0, {}};
  CommandChoice closed;
  refresh->choose(host.state, 1000, state, closed);
  EXPECT_EQ(closed.command, C::refab);
  host.open(4, 3, 0);
  CommandChoice open;
  refresh->choose(host.state, 1000, state, open);
  EXPECT_EQ(open.command, C::prea);
  const std::int32_t request = host.request(5, 3);
  host.state.rows.begin_opening(5, 3, request, 990);
  CommandChoice waits;
  refresh->choose(host.state, 1000, state, waits);
  EXPECT_FALSE(waits.found);
}

}  // namespace
}  // namespace bondsim
