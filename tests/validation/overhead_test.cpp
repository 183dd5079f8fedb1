#include <gtest/gtest.h>

#include "mapping/cost/forms/make_cost_model.hpp"
#include "models/system/validate/validator.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/scale.hpp"

/// Fixed times of a runtime, and runs that begin with the first decode step.
namespace bondsim::test {
namespace {

struct Times {
  std::int64_t total = 0, prefill = 0, steps = 0;
};

Times times_of(const Case& c) {
  std::istringstream in(simulate_isolated(c, {}, [](const Results& r) {
    std::int64_t steps = 0;
    for (const Picoseconds step : r.steps) steps += step.value;
    return fmt::format("{} {} {}", r.total.value, r.prefill.value, steps);
  }));
  Times t;
  in >> t.total >> t.prefill >> t.steps;
  return t;
}

Case without_refresh(std::uint64_t seed) {
  Case c = random_case(seed);
  c.system.fidelity.refresh = false;
  return c;
}

TEST(DecodeOnly, has_the_steps_of_the_whole_run_and_nothing_else) {
  for (int i = 0; i < scaled(12); ++i) {
    const std::uint64_t seed = 9100 + static_cast<std::uint64_t>(i);
    Case c = without_refresh(seed);
    const Times whole = times_of(c);
    c.workload.prompt_cached = true;
    const Times alone = times_of(c);
    EXPECT_GT(whole.prefill, 0);
    EXPECT_EQ(alone.prefill, 0);
    EXPECT_EQ(alone.total, alone.steps) << "seed " << seed;
    // Its first rows find closed banks, and clocks start in another phase: nanoseconds a block.
    EXPECT_NEAR(static_cast<double>(alone.steps) / static_cast<double>(whole.steps), 1, 0.005) << "seed " << seed << ": " << describe(c);
  }
}

TEST(DecodeOnly, keeps_its_schedule_through_a_file_and_past_the_validator) {
  Case c = without_refresh(9120);
  c.workload.prompt_cached = true;
  const auto schedule = validated(c.system, make_schedule(c.system, c.model, c.workload, c.dataflow));
  EXPECT_EQ(schedule->header().first_step, 1);
  std::int32_t first = -1;
  for (Block block; schedule->next(block);) {
    if (first < 0) first = block.step;
    EXPECT_EQ(block.phase, Phase::decode);
  }
  EXPECT_EQ(first, 1);
}

/// Exactly one wait a step, whatever the machine.
TEST(Overhead, a_step_takes_its_fixed_time_longer) {
  for (int i = 0; i < scaled(6); ++i) {
    Case c = without_refresh(9140 + static_cast<std::uint64_t>(i));
    const Times before = times_of(c);
    c.system.overhead.step_ns = 1000;  // whole cycles of all clocks
    EXPECT_EQ(times_of(c).total - before.total, (1 + c.workload.generated_tokens) * 1'000'000) << describe(c);
  }
}

/// Launches of a block on the executors that can follow one another: at most all of them, at least the longest executor's.
TEST(Overhead, an_operator_waits_for_its_launch_in_cycles_and_in_the_closed_form) {
  for (int i = 0; i < scaled(8); ++i) {
    Case c = without_refresh(9160 + static_cast<std::uint64_t>(i));
    c.workload.layers = LayerMode::all;
    c.workload.prompt_cached = true;
    const auto launches = [&] {
      std::int64_t all = 0;
      const auto schedule = make_schedule(c.system, c.model, c.workload, c.dataflow);
      for (Block block; schedule->next(block);) {
        for (const Task& t : block.tasks) all += t.delay.value > 0;
      }
      return all;
    };
    const auto form = [&] {
      double seconds = 0;
      const auto model = cost::make_cost_model("detailed", &c.system);
      const auto schedule = make_schedule(c.system, c.model, c.workload, c.dataflow);
      for (Block block; schedule->next(block);) seconds += model->block_seconds(block, c.system);
      return seconds * 1e12;
    };
    const Times before = times_of(c);
    const double form_before = form();
    EXPECT_EQ(launches(), 0);
    c.system.overhead.operator_ns = 5000;
    const auto longer = static_cast<double>(times_of(c).total - before.total);
    EXPECT_GT(launches(), 0);
    EXPECT_GT(longer, 0) << describe(c);
    EXPECT_LE(longer, 5e6 * static_cast<double>(launches()) * 1.001) << describe(c);
    EXPECT_NEAR((form() - form_before) / longer, 1, 0.03) << describe(c);
  }
}

}  // namespace
}  // namespace bondsim::test
