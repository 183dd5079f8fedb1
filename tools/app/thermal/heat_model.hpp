#pragma once
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "models/thermal/floorplan.hpp"
#include "models/thermal/ladder.hpp"
#include "models/thermal/solver.hpp"
#include "models/thermal/stack.hpp"
#include "tools/app/thermal/heat_sample.hpp"

namespace bondsim::tools {

/// How heat is judged.
struct HeatOptions {
  std::int64_t decode_samples = 2;
  EnergyColumn column = EnergyColumn::maximum;
  int most_iterations = 12;
};

/// What decides a simulation: the refresh step of each channel, and the policy's level (0: not throttled).
struct HeatState {
  std::vector<std::size_t> refresh;
  std::size_t level = 0;
  bool operator==(const HeatState& o) const { return refresh == o.refresh && level == o.level; }
  bool operator<(const HeatState& o) const { return std::tie(level, refresh) < std::tie(o.level, o.refresh); }
};

/// Temperatures of the machine's parts in C, each a mean over its area.
struct HeatMap {
  std::vector<double> nodes;               ///< rise over the ambient, by node of the grid
  std::vector<double> blocks;              ///< C, by block of the floorplan
  std::vector<double> channels;            ///< C, hottest bank of each channel
  double bank_c = 0, pe_c = 0, npu_c = 0;  ///< hottest of each kind; pe_c: -infinity without PEs
  double junction_c() const;
  double watched(HeatWatch watch) const;
};

/// A machine in a stack under an experiment's load, which it simulates once for each state it gets into.
class HeatModel {
 public:
  /// @param policy throttles; null: nothing does. Both must outlive the model.
  HeatModel(const Experiment& experiment, const Stack& stack, const HeatOptions& options, const ThrottlePolicy* policy = nullptr);

  const Floorplan& floorplan() const { return floorplan_; }
  const Stack& stack() const { return stack_; }
  ThermalSolver& solver() { return solver_; }
  const ThrottlePolicy* policy() const { return policy_; }
  const HeatOptions& options() const { return options_; }
  std::int64_t decode_steps() const { return experiment_.workload.generated_tokens; }
  /// Output tokens of a run, all requests together.
  std::int64_t tokens() const { return decode_steps() * experiment_.workload.batch; }
  int simulations() const { return simulations_; }

  HeatState first_state() const;
  /// The state that follows at these temperatures.
  HeatState next(const HeatState& now, const HeatMap& map) const;
  Experiment experiment_in(const HeatState& state) const;
  const HeatSample& sample(const HeatState& state);
  /// Part of the time in which a state's decode steps run.
  double duty(const HeatState& state) const;

  /// W by block of the load at these block temperatures, leakage included. @param by_cell W of the cells, leakage at its reference
  std::vector<double> power(const std::vector<double>& by_cell, const std::vector<double>& block_c) const;
  /// W by cell of a state, averaged over the run repeated without a pause, or of a phase of it.
  std::vector<double> mean_w(const HeatState& state);
  std::vector<double> decode_w(const HeatState& state);
  HeatMap map_of(std::vector<double> rise, double ambient_c) const;

  /// Steady temperatures of a load whose leakage follows the temperatures. @return nothing where leakage runs away
  std::optional<HeatMap> steady(const std::vector<double>& by_cell, double ambient_c) const;

 private:
  const Experiment& experiment_;
  const Stack& stack_;
  HeatOptions options_;
  const ThrottlePolicy* policy_;
  Floorplan floorplan_;
  ThermalSolver solver_;
  std::map<HeatState, HeatSample> samples_;
  int simulations_ = 0;
};

/// A steady state of the loop: temperature -> refresh, throttling and leakage -> time and power -> temperature.
struct HeatPoint {
  double ambient_c = 0;
  std::string policy;  ///< empty: none
  HeatState state;
  int iterations = 0;    ///< maps that were made until the state stayed
  bool settled = false;  ///< the state stayed; false: it swings between states, the hotter one is shown
  bool runaway = false;  ///< leakage has no steady state
  HeatMap map;
  std::vector<double> block_w;
  double power_w = 0;      ///< leakage included
  double leakage_w = 0;    ///< of it, static power
  double npu_leakage = 1;  ///< static power of the NPU over that at its reference temperature
  double pe_leakage = 1;   ///< likewise of the PEs, their mean
  double prefill_s = 0;
  double token_s = 0;       ///< a decode step, pauses included
  double tokens_per_s = 0;  ///< of all requests, prefill included
};

HeatPoint steady_point(HeatModel& model, double ambient_c);

}  // namespace bondsim::tools
