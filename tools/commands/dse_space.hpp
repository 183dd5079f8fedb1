#pragma once
#include <string>

namespace bondsim::tools {

/// `bondsim dse SPACE.yaml`.
struct SpaceOptions {
  std::string space;
  std::string out;
  std::string model;
  std::string tier = "analytical";
  int jobs = 0;  ///< 0: one a processor
  bool resume = false;
};

/// @return exit status: 1 when it was stopped before the end, or no device is feasible.
int search_space(const SpaceOptions& options);

}  // namespace bondsim::tools
