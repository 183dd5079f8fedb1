#pragma once
#include <memory>

#include "mapping/plan/plan.hpp"
#include "tools/app/experiment/experiment.hpp"

namespace bondsim::tools {

/// The plan of an experiment; where its workload has drafts, that of the model which verifies them. @throws as make_plan; a model that does
/// not fit the memory is refused with the largest batch that does.
Plan plan_experiment(const Experiment& experiment);

/// The same with what drafts for it. @throws as plan_experiment
speculation::Plans plans_of_experiment(const Experiment& experiment);

/// Of batches as they come.
std::unique_ptr<ScheduleSource> schedule_batches(speculation::Plans plans, std::unique_ptr<BatchSource> batches);

/// The blocks of an experiment's run, with drafts where its workload has them. @throws as plan_experiment
std::unique_ptr<ScheduleSource> schedule_experiment(const Experiment& experiment);

/// The experiment without drafts: what speculation is compared with.
Experiment without_drafts(Experiment experiment);

/// The largest batch below the experiment's own whose plan fits, found by planning: with n requests in it and not with n + 1. Of requests
/// with prompts of their own the first n are taken. 0: not even one fits.
int largest_batch(const Experiment& experiment);

}  // namespace bondsim::tools
