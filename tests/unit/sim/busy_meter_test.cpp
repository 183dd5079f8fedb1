#include "sim/busy_meter.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace bondsim {
namespace {

Picoseconds ps(std::int64_t value) { return Picoseconds(value); }

TEST(BusyMeter, time_in_which_nothing_runs_is_waiting) {
  BusyMeter meter(2);
  meter.started(ps(10), 1);
  meter.ended(ps(25), 1);
  const BusyTimes times = meter.take(ps(40));
  EXPECT_EQ(times.by_operator[1], ps(15));
  EXPECT_EQ(times.by_operator[0], ps(0));
  EXPECT_EQ(times.waiting, ps(25));
}

TEST(BusyMeter, operators_that_run_at_once_share_the_time_evenly) {
  BusyMeter meter(3);
  meter.started(ps(0), 0);
  meter.started(ps(0), 0);  // two tasks of one operator count once
  meter.started(ps(0), 1);
  meter.ended(ps(10), 0);
  meter.started(ps(10), 2);
  meter.ended(ps(21), 1);  // 11 ps of three: 4, 4, 3
  const BusyTimes times = meter.take(ps(21));
  EXPECT_EQ(times.by_operator[0], ps(5 + 4));
  EXPECT_EQ(times.by_operator[1], ps(5 + 4));
  EXPECT_EQ(times.by_operator[2], ps(3));
  EXPECT_EQ(times.waiting, ps(0));
}

TEST(BusyMeter, a_task_of_no_operator_is_waiting_time) {
  BusyMeter meter(1);
  meter.started(ps(0), -1);
  meter.ended(ps(7), -1);
  EXPECT_EQ(meter.take(ps(7)).waiting, ps(7));
}

TEST(BusyMeter, tasks_go_on_from_one_interval_to_the_next) {
  BusyMeter meter(1);
  meter.started(ps(5), 0);
  EXPECT_EQ(meter.take(ps(10)).by_operator[0], ps(5));
  EXPECT_EQ(meter.take(ps(30)).by_operator[0], ps(20));
}

TEST(BusyMeter, random_tasks_sum_to_the_length_of_every_interval) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    BusyMeter meter(5);
    std::multiset<std::int32_t> running;
    std::int64_t now = 0, last = 0;
    for (int i = 0; i < 200; ++i) {
      now += random() % 13;
      const auto op = static_cast<std::int32_t>(random() % 5);
      if (random() % 2 == 0) {
        meter.started(ps(now), op);
        running.insert(op);
      } else if (!running.empty()) {
        const std::int32_t ended = *running.begin();
        running.erase(running.begin());
        meter.ended(ps(now), ended);
      }
      if (random() % 20 == 0) {
        EXPECT_EQ(meter.take(ps(now)).sum(), ps(now - last));
        last = now;
      }
    }
  }
}

}  // namespace
}  // namespace bondsim
