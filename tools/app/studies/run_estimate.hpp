#pragma once
#include <cstdint>
#include <string>

#include "mapping/cost/cost_model.hpp"
#include "models/results/results.hpp"
#include "tools/app/experiment/experiment.hpp"

/// A whole run by a closed form: mapped as in a simulation, nothing simulated.
namespace bondsim::tools {

/// Decode steps that a form was asked for, of a run too long to ask for each.
struct StepSampling {
  std::int64_t steps = 0;
  std::int64_t evaluated = 0;
  /// Change of the time of decode when half as many are evaluated, as a share of it.
  double change_with_half = 0;
};

/// Runs of more decode steps are estimated by so many of them, evenly over the contexts; the times of the others lie between. Latency is
/// linear in the context from one tile or head round to the next.
inline constexpr std::int64_t most_estimated_steps = 2048;
inline constexpr std::int64_t sampled_estimate_steps = 1024;

/// Latencies are the form's, block by block; an operator's is its time alone. Energy is the run's tables times what its
/// tasks move and compute: accesses and MACs are those of a simulation, rows opened are counted as if no refresh came between, refreshes as
/// the time has room for. Channels' and the NPU's time is not taken apart. @throws InfeasibleError
/// @param sampling told when not null
Results estimate_run(const Experiment& experiment, const cost::CostModel& model, StepSampling* sampling = nullptr);

/// One line for the summary; empty when every step was evaluated.
std::string sampling_text(const StepSampling& sampling);

/// Summary as `run` prints it, as far as an estimate goes.
std::string estimate_summary(const Results& results, const cost::CostModel& model);

/// As results.json, without what only a simulation has; schema bondsim.estimate/1.
std::string estimate_json(const Results& results, const cost::CostModel& model);

}  // namespace bondsim::tools
