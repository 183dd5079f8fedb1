#pragma once
#include "tools/commands/commands.hpp"
#include "tools/experiment.hpp"

namespace bondsim::tools {

/// The positional file, --model, --workload, --dataflow and --set, which several commands share.
void add_experiment_options(CLI::App& command, ExperimentRequest& request);

}  // namespace bondsim::tools
