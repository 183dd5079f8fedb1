#pragma once
#include "tools/app/experiment/experiment.hpp"
#include "tools/commands/commands.hpp"

namespace bondsim::tools {

/// How a command names the inputs of a run.
enum class ExperimentNames {
  required,            ///< EXPERIMENT must be given; --model is the language model
  beside_closed_forms  ///< EXPERIMENT is one choice of several, and --llm the language model: models are closed forms there
};

/// The positional file, --model (or --llm), --workload, --dataflow, --tiling, --set and --allow-illegal, which several commands share.
void add_experiment_options(Command& command, ExperimentRequest& request, ExperimentNames names = ExperimentNames::required);

}  // namespace bondsim::tools
