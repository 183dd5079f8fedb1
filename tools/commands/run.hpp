#pragma once
#include "tools/app/experiment/experiment.hpp"
#include "tools/commands/commands.hpp"

namespace bondsim::tools {

/// The positional file, --model, --workload, --dataflow, --tiling, --set and --allow-illegal, which several commands share.
/// @param alone EXPERIMENT must be given; else it is one choice of several
void add_experiment_options(Command& command, ExperimentRequest& request, bool alone = true);

/// --force: results of another experiment in --out may be replaced.
void add_force_option(Command& command, bool& force);

/// --form, a closed form by name. @param about what else the help says
Option* add_form_option(Command& command, std::string& form, const std::string& about);
/// The old spelling: a closed form given as --model is moved to `form`, and standard error says so.
void take_form_from_model(std::string& model, std::string& form);

}  // namespace bondsim::tools
