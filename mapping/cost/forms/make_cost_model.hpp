#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mapping/cost/cost_model.hpp"

namespace bondsim::cost {

/// Names of all closed forms, in the order they are listed to the user.
std::vector<std::string> cost_model_names();

/// Error of a form against the cycle model on a suite of `bondsim validate`: a line of measured_errors.csv, which `tools/measure_errors`
/// writes. Measure again when a form, a suite or the machine changes.
struct MeasuredError {
  int cases = 0;
  double mean_percent = 0;   ///< of the magnitudes
  double worst_percent = 0;  ///< with its sign: above 0, the form says too long
  double kendall_tau = 0;
};

/// @param suite quick or full: operators alone; quick_steps or steps: whole prefills and decode steps.
/// @throws ConfigError listing the valid names of forms; InternalError when the file does not have the line
MeasuredError measured_error(const std::string& name, const std::string& suite);
/// One line beside a form's results; of a form of one's own, how to measure it. @throws as measured_error()
std::string measured_error_text(const std::string& name, const std::string& suite);

/// @param system of which a form may want what a device does not say; only `detailed` does.
/// @throws ConfigError listing the valid names, or when the form needs a system and none is given.
std::unique_ptr<CostModel> make_cost_model(const std::string& name, const System* system = nullptr);

using CostModelMaker = std::function<std::unique_ptr<CostModel>(const System* system)>;
/// Makes a closed form of one's own known by a name, for the rest of the process; an own one of that name is replaced.
/// @throws ConfigError for an empty name and for that of a closed form of bondsim
void add_cost_model(const std::string& name, CostModelMaker make);

}  // namespace bondsim::cost
