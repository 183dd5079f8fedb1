#include "tools/app/exploration/cycle_evaluator.hpp"

#include <algorithm>

#include "tools/app/studies/sampled_run.hpp"

namespace bondsim::tools {
namespace {

SampledRun run_with_drafts(const search::SpaceSetup& setup, const search::SpaceJob& job, const search::JobDataflows& found) {
  std::optional<speculation::Draft> draft;
  if (found.draft_has_dataflow) draft = {*job.draft, found.draft->dataflow};
  return run_sampled_rounds(setup.system, job.model, job.workload, found.model.dataflow, draft);
}

}  // namespace

CycleEvaluator::CycleEvaluator(const search::DesignSpace& space)
    : space_(space), forms_(space, "h2llm-roofline-corrected", search::Bandwidths::sustained), heat_(search::make_heat(space)) {}

search::WorkloadMetrics CycleEvaluator::measure(const search::SpaceSetup& setup, std::size_t job) {
  const search::JobDataflows& found = forms_.dataflows(setup, job);
  const search::SpaceJob& j = (*setup.jobs)[job];
  if (j.drafts() && !space_.lm_head) throw ConfigError(fmt::format("{}: space.lm_head: false with drafts, allowed: true", space_.name));
  const SampledRun run =
      j.drafts() ? run_with_drafts(setup, j, found)
                 : run_sampled(setup.system, j.model, j.workload, found.model.dataflow, {space_.cycles.decode_samples, !space_.lm_head});
  search::WorkloadMetrics metrics{run.prefill_s, run.decode_s, run.prefill_energy_j + run.decode_energy_j, run.pe_energy_j, {}, run.rail_j};
  std::copy(run.component_j.begin(), run.component_j.end(), metrics.component_j.begin());
  return metrics;
}

search::Evaluation CycleEvaluator::evaluate(const search::Candidate& candidate) {
  const search::SpaceSetup setup = forms_.setup(candidate);
  return search::judge_device(
      space_, setup.system, [&](std::size_t job) { return measure(setup, job); }, heat_.get());
}

}  // namespace bondsim::tools
