#pragma once
#include <string>

#include "tools/app/experiment.hpp"

namespace bondsim::tools {

/// Runs an experiment with every fidelity switch off, then with one more on at a time, each in a process of its own, and prints what each
/// effect costs or saves. With `out`, also writes ladder.csv there.
int run_ladder(const Experiment& experiment, const std::string& out);

}  // namespace bondsim::tools
