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

double overlap_over_serial(Case c) {
  c.system.fidelity.overlap = false;
  const auto serial = static_cast<double>(total_ps(c));
  c.system.fidelity.overlap = true;
  return static_cast<double>(total_ps(c)) / serial;
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
    // Side by side, channels fall out of step: the refreshes and row closings of one come after those of another, and the NPU waits for
    // each in turn where one after the other it waits for all at once.
    EXPECT_LE(overlap_over_serial(c), 1.01) << "overlap on top of all; seed " << seed << ": " << describe(c);
    // One channel has none to fall out of step with. Left are rows that transfers side by side close on each other.
    c.system.set_channels(1, 0);
    EXPECT_LE(overlap_over_serial(c), 1.002) << "overlap on one channel; seed " << seed << ": " << describe(c);
  }
}

}  // namespace
}  // namespace bondsim::test
