#include "tools/app/thermal/hot_run.hpp"

#include <algorithm>

namespace bondsim::tools {
namespace {

/// W of the NPU and of each channel over a whole run.
std::vector<double> executor_w(const Results& results) {
  std::vector<double> watts{results.npu_power.average_w(results.total)};
  for (const ChannelResult& channel : results.channels) watts.push_back(channel.power.average_w(results.total));
  return watts;
}

}  // namespace

HotRun::HotRun(const Experiment& experiment, const Stack& stack, const HeatOptions& options)
    : unheated_(experiment), model_(unheated_, stack, options), point_(steady_point(model_, stack.cooling.ambient_c)) {
  if (!point_.runaway) return;
  throw InfeasibleError(fmt::format("{} in stack {} at {:g} C: leakage runs away, there is no steady state", experiment.system.name,
                                    stack.name, point_.ambient_c));
}

Experiment HotRun::experiment() const {
  Experiment experiment = model_.experiment_in(point_.state);
  experiment.system = with_leakage(experiment.system, point_.npu_leakage, point_.pe_leakage);
  return experiment;
}

/// Block powers of the sample, those of each executor's cells scaled to what the whole run took.
std::vector<double> HotRun::scaled(const Results& results) const {
  const Floorplan& floorplan = model_.floorplan();
  const std::vector<double> cell_c = floorplan.mean_over_cells(point_.map.blocks), run_w = executor_w(results);
  std::vector<double> watts = model_.mean_w(point_.state), by_executor(run_w.size());
  for (std::size_t i = 0; i < watts.size(); ++i) {
    const PowerCell& cell = floorplan.cells()[i];
    if (cell.component == EnergyComponent::static_power) watts[i] *= model_.stack().leakage.factor(cell_c[i]);
    by_executor[cell.executor] += watts[i];
  }
  for (std::size_t i = 0; i < watts.size(); ++i) {
    const std::size_t executor = floorplan.cells()[i].executor;
    if (by_executor[executor] > 0) watts[i] *= run_w[executor] / by_executor[executor];
  }
  return floorplan.by_block(watts);
}

HeatStudy HotRun::confirmed(const Results& results) const {
  HeatPoint point = point_;
  point.block_w = scaled(results);
  point.map = model_.map_of(model_.solver().steady(model_.floorplan().by_node(point.block_w)), point.ambient_c);
  point.settled = point_.settled && model_.next(point.state, point.map) == point.state;
  point.power_w = to_joules(results.energy_total) / to_seconds(results.total);
  point.prefill_s = to_seconds(results.prefill);
  point.token_s = to_seconds(results.decode()) / static_cast<double>(std::max<std::size_t>(1, results.steps.size()));
  point.tokens_per_s = static_cast<double>(model_.tokens()) / to_seconds(results.total);
  HeatStudy study;
  study.points.push_back(std::move(point));
  study.simulations = model_.simulations() + 1;
  return study;
}

}  // namespace bondsim::tools
