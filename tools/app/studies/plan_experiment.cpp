#include "tools/app/studies/plan_experiment.hpp"

#include <fmt/format.h>

#include "mapping/emit/mapper.hpp"
#include "mapping/speculation/served_schedule.hpp"
#include "mapping/speculation/speculative_schedule.hpp"

namespace bondsim::tools {
namespace {

/// Of the experiment with another workload, drafts included.
speculation::Plans plans_of(const Experiment& e, const Workload& workload) {
  if (workload.speculation) return speculation::make_plans(e.system, e.model, workload, e.dataflow, e.tiling, e.draft);
  speculation::Plans plans{make_plan(e.system, e.model, workload, e.dataflow, e.tiling), {}, {}, false, {}};
  plans.header = plans.target.header;
  return plans;
}

bool fits(const Experiment& experiment, int batch) {
  Workload workload = experiment.workload;
  workload.batch = batch;
  if (!workload.prompts.empty()) workload.prompts.resize(static_cast<std::size_t>(batch));
  try {
    plans_of(experiment, workload);
    return true;
  } catch (const InfeasibleError&) {
    return false;
  }
}

}  // namespace

int largest_batch(const Experiment& experiment) {
  int fitting = 0;
  int failing = experiment.workload.batch;
  while (failing - fitting > 1) {
    const int middle = fitting + (failing - fitting) / 2;
    (fits(experiment, middle) ? fitting : failing) = middle;
  }
  return fitting;
}

speculation::Plans plans_of_experiment(const Experiment& experiment) {
  try {
    return plans_of(experiment, experiment.workload);
  } catch (const CapacityError& e) {
    const int batch = largest_batch(experiment);
    throw CapacityError(batch > 0 ? fmt::format("{}; largest batch that fits: {}", e.what(), batch)
                                  : fmt::format("{}; no batch fits, not even 1", e.what()));
  }
}

Plan plan_experiment(const Experiment& experiment) { return plans_of_experiment(experiment).target; }

std::unique_ptr<ScheduleSource> schedule_batches(speculation::Plans plans, std::unique_ptr<BatchSource> batches) {
  if (plans.target.workload.speculation) return speculation::make_schedule(std::move(plans), std::move(batches));
  return make_schedule(std::move(plans.target), std::move(batches));
}

std::unique_ptr<ScheduleSource> schedule_experiment(const Experiment& experiment) {
  speculation::Plans plans = plans_of_experiment(experiment);
  if (experiment.workload.speculation) return speculation::make_schedule(std::move(plans));
  return make_schedule(std::move(plans.target));
}

Experiment without_drafts(Experiment experiment) {
  experiment.workload.speculation.reset();
  experiment.draft.reset();
  return experiment;
}

}  // namespace bondsim::tools
