#pragma once
#include <string>

#include "mapping/cost/cost_model.hpp"
#include "models/results/results.hpp"
#include "tools/app/experiment/experiment.hpp"

/// A whole run by a closed form: mapped as in a simulation, nothing simulated.
namespace bondsim::tools {

/// Latencies are the form's, block by block; an operator's is its time alone. Energy is the run's tables times what its
/// tasks move and compute: accesses and MACs are those of a simulation, rows opened are counted as if no refresh came between, refreshes as
/// the time has room for. Channels' and the NPU's time is not taken apart. @throws InfeasibleError
Results estimate_run(const Experiment& experiment, const cost::CostModel& model);

/// Summary as `run` prints it, as far as an estimate goes.
std::string estimate_summary(const Results& results, const cost::CostModel& model);

/// As results.json, without what only a simulation has; schema bondsim.estimate/1.
std::string estimate_json(const Results& results, const cost::CostModel& model);

}  // namespace bondsim::tools
