#include <gtest/gtest.h>

#include "mapping/cost/detailed/task_timing.hpp"
#include "tests/support/dram_setup.hpp"
#include "tests/support/mapping_setup.hpp"

namespace bondsim::cost {
namespace {

/// A long read over the bus on the channel itself, with and without refresh, against the closed form: each refresh costs from the last
/// burst before its PREA to the first after the ACT that follows.
TEST(HostRefresh, costs_what_it_costs_on_the_channel) {
  System system = testing::h2llm_system();
  const Extent whole = test::extent_of(0, 16, 0, 1 << 20);
  const auto on_channel = [&](bool refresh) {
    ChannelSwitches switches;
    switches.refresh = refresh;
    test::CoreRun run(system.dram, system.controller, nullptr, switches, timing_rules(system.dram));
    run.host(whole, false);
    run.to_end();
    return static_cast<double>(run.now.value);
  };
  const auto by_form = [&](bool refresh) {
    system.fidelity.refresh = refresh;
    const TaskTiming timing(system);
    double due = timing.first_due(0);
    return timing.host_end(timing.transfer({whole}, false), false, 0, due);
  };
  const double refreshes = on_channel(true) / (system.dram.timing.t_refi_ns * 1e3);
  const double cost_ps = (on_channel(true) - on_channel(false)) / refreshes;
  EXPECT_NEAR((by_form(true) - by_form(false)) / refreshes, cost_ps, 0.02 * cost_ps);
}

}  // namespace
}  // namespace bondsim::cost
