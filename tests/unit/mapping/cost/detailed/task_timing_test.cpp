#include "mapping/cost/detailed/task_timing.hpp"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/mapping_setup.hpp"

namespace bondsim::cost {
namespace {

/// Work of one and a half tREFI from the start of the run on is interrupted once.
double refresh_ps(const TaskTiming& timing, double period) {
  double due = period;
  return timing.bus_end(1.5 * period, 0, due) - 1.5 * period;
}

TEST(TaskTiming, a_bus_has_served_the_time_between_its_refreshes) {
  const TaskTiming timing(testing::h2llm_system());
  const double period = testing::h2llm_system().dram.timing.t_refi_ns * 1e3, refresh = refresh_ps(timing, period);
  ASSERT_GT(refresh, 0);
  double due = period;
  EXPECT_NEAR(timing.served_ps(0, 3.5 * period, due), 3.5 * period - 3 * refresh, 1);
  EXPECT_EQ(due, 4 * period);
  due = period;
  EXPECT_NEAR(timing.served_ps(period + refresh / 2, 2 * period, due), period - refresh, 1) << "from amid a refresh on";
  EXPECT_NEAR(timing.served_ps(2 * period, 2 * period + refresh / 2, due), 0, 1) << "amid a refresh";
}

/// Work of any length from any time on: at its end so much has been served, and as much in two parts.
TEST(TaskTiming, a_bus_has_served_work_when_it_ends) {
  const TaskTiming timing(testing::h2llm_system());
  const double period = testing::h2llm_system().dram.timing.t_refi_ns * 1e3, refresh = refresh_ps(timing, period);
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> periods(0, 5);
  for (int i = 0; i < 200; ++i) {
    const double start = periods(random) * period, work = periods(random) * period;
    double due_end = period, due_served = period, due_parts = period;
    const double end = timing.bus_end(work, start, due_end);
    EXPECT_NEAR(timing.served_ps(start, end, due_served), work, 1) << "seed 3, case " << i;
    EXPECT_EQ(due_served, due_end) << "seed 3, case " << i;
    const double middle = start + (end - start) / 3;
    const double first = timing.served_ps(start, middle, due_parts);
    // A refresh that is under way in the middle goes on in the second part.
    const double rest = timing.served_ps(std::max(middle, std::min(end, due_parts - period + refresh)), end, due_parts);
    EXPECT_NEAR(first + rest, work, 1) << "seed 3, case " << i;
  }
}

}  // namespace
}  // namespace bondsim::cost
