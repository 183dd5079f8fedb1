#pragma once
#include <string>
#include <utility>
#include <vector>

#include "tests/support/mapping_setup.hpp"
#include "tools/app/experiment/experiment.hpp"

namespace bondsim::tools {

/// An experiment of configs/experiment/ with values changed, "model.layers=2".
inline Experiment shipped_experiment(const std::string& name, std::vector<std::string> overrides = {}) {
  ExperimentRequest request;
  request.file = testing::config_path("experiment/" + name);
  request.overrides = std::move(overrides);
  return load_experiment(request);
}

}  // namespace bondsim::tools
