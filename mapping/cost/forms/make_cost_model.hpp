#pragma once
#include <memory>
#include <string>
#include <vector>

#include "mapping/cost/cost_model.hpp"

namespace bondsim::cost {

/// Names of all closed forms, in the order they are listed to the user.
std::vector<std::string> cost_model_names();

/// Error of a form against the cycle model, as measured by `bondsim validate --suite full`. Measure again when a form or the suite changes.
struct MeasuredError {
  int operators = 0;
  double mean_percent = 0;   ///< of the magnitudes
  double worst_percent = 0;  ///< with its sign: above 0, the form says too long
};

/// One line beside a form's results. @throws ConfigError listing the valid names
MeasuredError measured_error(const std::string& name);
std::string measured_error_text(const std::string& name);

/// @param system of which a form may want what a device does not say; only `detailed` does.
/// @throws ConfigError listing the valid names, or when the form needs a system and none is given.
std::unique_ptr<CostModel> make_cost_model(const std::string& name, const System* system = nullptr);

}  // namespace bondsim::cost
