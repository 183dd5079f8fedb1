#include "models/dram/host/streams.hpp"

#include <gtest/gtest.h>

#include "models/dram/host/request_queues.hpp"
#include "tests/support/dram_setup.hpp"

namespace bondsim {
namespace {

HostTransfer transfer(std::uint64_t tag, bool write = false) {
  HostTransfer t;
  t.extent = test::extent_of(0, 1, 0, 64);  // two bursts
  t.write = write;
  t.op = static_cast<std::int32_t>(tag);
  t.tag = tag;
  return t;
}

/// Tags in the order in which streams get their turns, one direction.
std::vector<std::uint64_t> served(Streams streams, bool write) {
  std::vector<std::uint64_t> tags;
  for (streams.give_turns(100); streams.head(write) >= 0; streams.give_turns(100)) {
    const std::int32_t slot = streams.head(write);
    tags.push_back(streams.at(slot).tag);
    while (!streams.at(slot).exhausted()) streams.at(slot).cursor.advance();
    streams.exhausted(slot, 100);
    streams.remove(slot);
  }
  return tags;
}

TEST(Streams, are_served_by_time_and_tag_in_whatever_order_they_were_submitted) {
  const DramConfig dram = test::dram_part();
  Streams streams(dram.organization);
  for (const std::uint64_t tag : {5U, 2U, 9U}) streams.add(transfer(tag), Picoseconds(0), 1);
  for (const std::uint64_t tag : {4U, 1U}) streams.add(transfer(tag), Picoseconds(10), 2);
  streams.add(transfer(3, true), Picoseconds(10), 2);
  EXPECT_EQ(served(streams, false), (std::vector<std::uint64_t>{2, 5, 9, 1, 4}));
  EXPECT_EQ(served(streams, true), (std::vector<std::uint64_t>{3}));
}

TEST(Streams, a_transfer_enters_from_the_cycle_on_at_which_it_is_visible) {
  const DramConfig dram = test::dram_part();
  Streams streams(dram.organization);
  streams.add(transfer(1), Picoseconds(0), 7);
  streams.give_turns(6);
  EXPECT_EQ(streams.next(false, 6, Picoseconds(0)), -1);
  const bool room[2] = {false, false};
  EXPECT_EQ(streams.next_acceptance(3, Clock::from_khz(800'000), room), 7);
  streams.give_turns(7);
  EXPECT_EQ(streams.next(false, 7, Picoseconds(0)), streams.head(false));
  EXPECT_EQ(streams.next(true, 7, Picoseconds(0)), -1);
}

TEST(Streams, lists_and_transfers_of_a_direction_take_turns_by_rank_and_arrival) {
  const DramConfig dram = test::dram_part();
  Streams streams(dram.organization);
  const ListedRequest late{{0, 0, 0}, false, Picoseconds(1'000'000), 0};
  const ListedRequest write{{0, 0, 0}, true, Picoseconds(0), 0};
  streams.add({&late, 1}, 0, 1, Picoseconds(0), 1);
  streams.add({&write, 1}, 0, 2, Picoseconds(0), 1);
  streams.add(transfer(3), Picoseconds(0), 1);
  streams.give_turns(1);
  EXPECT_EQ(streams.at(streams.next(false, 1, Picoseconds(1250))).tag, 3U) << "the list's request has not arrived";
  EXPECT_EQ(streams.at(streams.next(false, 900, Picoseconds(1'000'000))).tag, 1U);
  EXPECT_EQ(streams.at(streams.next(true, 1, Picoseconds(1250))).tag, 2U);
}

TEST(RequestQueues, know_the_oldest_hit_and_miss_of_every_bank_and_direction) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    test::Random random(seed);
    RequestQueues queues(20, 12, 4);
    std::vector<std::int32_t> waiting;
    std::int32_t open[4] = {-1, -1, -1, -1};
    for (int step = 0; step < 300; ++step) {
      const auto b = static_cast<std::int32_t>(random() % 4);
      const bool write = random() % 2 == 0;
      if (random() % 3 != 0 && !queues.full(write)) {
        const std::int32_t index = queues.take();
        queues.at(index).at = {b, static_cast<std::int32_t>(random() % 3), static_cast<std::int32_t>(random() % 4)};
        queues.at(index).write = write;
        queues.at(index).accepted = step;
        queues.enqueue(index, open[b]);
        waiting.push_back(index);
      } else if (random() % 4 == 0) {
        open[b] = static_cast<std::int32_t>(random() % 4) - 1;
        queues.rescan(b, open[b]);
      } else {  // a hit is served, as columns are
        const std::int32_t hit = queues.chain(b, write).hit;
        if (hit < 0) continue;
        queues.unlink(hit, open[b]);
        queues.release(hit);
        waiting.erase(std::find(waiting.begin(), waiting.end(), hit));
      }
      Cycle oldest = never;
      for (std::int32_t bank = 0; bank < 4; ++bank) {
        for (const bool w : {false, true}) {
          std::int32_t head = -1, hit = -1, miss = -1;
          for (const std::int32_t r : waiting) {
            const Request& request = queues.at(r);
            if (request.at.bank != bank || request.write != w) continue;
            if (head < 0) head = r;
            if (w) oldest = std::min(oldest, request.accepted);
            if (open[bank] < 0) continue;
            std::int32_t& first = request.at.row == open[bank] ? hit : miss;
            if (first < 0) first = r;
          }
          const RequestQueues::Chain& chain = queues.chain(bank, w);
          ASSERT_EQ(chain.head, head) << "seed " << seed;
          ASSERT_EQ(chain.hit, hit) << "seed " << seed;
          ASSERT_EQ(chain.miss, miss) << "seed " << seed;
          ASSERT_EQ(queues.banks_waiting(w) >> bank & 1U, static_cast<std::uint64_t>(head >= 0));
          ASSERT_EQ(queues.banks_with_hits(w) >> bank & 1U, static_cast<std::uint64_t>(hit >= 0));
          ASSERT_EQ(queues.banks_with_misses(w) >> bank & 1U, static_cast<std::uint64_t>(miss >= 0));
        }
      }
      ASSERT_EQ(queues.oldest_write(), oldest);
    }
  }
}

TEST(HostController, first_come_first_served_keeps_the_order_of_requests) {
  const DramConfig dram = test::dram_part();
  ControllerConfig controller;
  controller.scheduler = SchedulerKind::fcfs;
  std::vector<ListedRequest> list(40);
  for (std::size_t i = 0; i < list.size(); ++i) {
    list[i].at = {static_cast<std::int32_t>(i % 2), static_cast<std::int32_t>(i * 7 % 3), 0};
    list[i].id = i;
  }
  test::CoreRun run(dram, controller, nullptr, {}, timing_rules(dram));
  run.core.submit({list.data(), list.size()}, 0, 1, run.now);
  run.to_end();
  const auto& outcomes = run.core.output().outcomes;
  ASSERT_EQ(outcomes.size(), list.size());
  for (std::size_t i = 0; i < outcomes.size(); ++i) EXPECT_EQ(outcomes[i].id, i);
  EXPECT_EQ(run.checker.violations(), 0) << test::describe(run.checker);
}

}  // namespace
}  // namespace bondsim
