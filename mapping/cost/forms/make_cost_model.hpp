#pragma once
#include <memory>
#include <string>
#include <vector>

#include "mapping/cost/cost_model.hpp"

namespace bondsim::cost {

/// Names of all closed forms, in the order they are listed to the user.
std::vector<std::string> cost_model_names();

/// @param system of which a form may want what a device does not say; only `detailed` does.
/// @throws ConfigError listing the valid names, or when the form needs a system and none is given.
std::unique_ptr<CostModel> make_cost_model(const std::string& name, const System* system = nullptr);

}  // namespace bondsim::cost
