#pragma once
#include "mapping/plan/plan.hpp"
#include "tools/app/experiment/experiment.hpp"

namespace bondsim::tools {

/// The plan of an experiment. @throws as make_plan; a model that does not fit the memory is refused with the largest batch that does.
Plan plan_experiment(const Experiment& experiment);

/// The largest batch below the experiment's own whose plan fits, found by planning: with n requests in it and not with n + 1. Of requests
/// with prompts of their own the first n are taken. 0: not even one fits.
int largest_batch(const Experiment& experiment);

}  // namespace bondsim::tools
