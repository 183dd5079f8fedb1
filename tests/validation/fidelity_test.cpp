#include <gtest/gtest.h>

#include "tests/support/fidelity.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/scale.hpp"

/// Fidelity switches on whole runs: prefill and decode of random small models on random systems, one schedule for all switches.
namespace bondsim::test {
namespace {

std::int64_t total_ps(const Case& c) {
  return std::stoll(simulate_isolated(c, {}, [](const Results& r) { return std::to_string(r.total.value); }));
}

TEST(Fidelity, on_a_whole_run_each_effect_but_overlap_only_costs_time_and_overlap_only_saves_it) {
  for (int i = 0; i < scaled(8); ++i) {
    const std::uint64_t seed = 8300 + static_cast<std::uint64_t>(i);
    Case c = random_case(seed);
    c.workload.layers = LayerMode::all;  // a refresh that falls into the one simulated layer would be multiplied
    all_off(c.system);
    Case overlapping = c;
    overlapping.system.fidelity.overlap = true;
    std::int64_t before = total_ps(c);
    EXPECT_LE(total_ps(overlapping), before) << "overlap alone; seed " << seed << ": " << describe(c);
    for (const auto& effect : costly_switches) {
      c.system.fidelity.*effect.second = true;
      const std::int64_t now = total_ps(c);
      EXPECT_GE(now + row_closing_saved(c.system, effect.first, now), before)
          << effect.first << " on top of those before; seed " << seed << ": " << describe(c);
      before = now;
    }
    c.system.fidelity.overlap = true;
    // Transfers side by side may close each other's rows and meet refreshes that they missed one by one.
    EXPECT_LE(static_cast<double>(total_ps(c)), 1.01 * static_cast<double>(before))
        << "overlap on top of all; seed " << seed << ": " << describe(c);
  }
}

}  // namespace
}  // namespace bondsim::test
