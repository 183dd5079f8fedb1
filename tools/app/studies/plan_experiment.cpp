#include "tools/app/studies/plan_experiment.hpp"

#include <fmt/format.h>

namespace bondsim::tools {
namespace {

Plan plan_of(const Experiment& e, const Workload& workload) { return make_plan(e.system, e.model, workload, e.dataflow, e.tiling); }

bool fits(const Experiment& experiment, int batch) {
  Workload workload = experiment.workload;
  workload.batch = batch;
  if (!workload.prompts.empty()) workload.prompts.resize(static_cast<std::size_t>(batch));
  try {
    plan_of(experiment, workload);
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

Plan plan_experiment(const Experiment& experiment) {
  try {
    return plan_of(experiment, experiment.workload);
  } catch (const CapacityError& e) {
    const int batch = largest_batch(experiment);
    throw CapacityError(batch > 0 ? fmt::format("{}; largest batch that fits: {}", e.what(), batch)
                                  : fmt::format("{}; no batch fits, not even 1", e.what()));
  }
}

}  // namespace bondsim::tools
