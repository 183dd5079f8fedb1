#include "tools/app/exploration/cycle_evaluator.hpp"

#include <filesystem>

#include "tools/app/studies/sampled_run.hpp"

namespace bondsim::tools {

CycleEvaluator::CycleEvaluator(const search::DesignSpace& space)
    : space_(space), forms_(space, "h2llm-roofline-corrected", search::Bandwidths::sustained) {
  const auto load = [&](const std::string& file) {
    return load_yaml_file((std::filesystem::path(space.directory) / file).lexically_normal().string());
  };
  for (const search::SpaceWorkload& w : space.workloads) jobs_.push_back({decode_model(load(w.model)), decode_workload(load(w.workload))});
}

search::WorkloadMetrics CycleEvaluator::measure(const System& device, std::size_t job) {
  const Dataflow& dataflow = forms_.dataflow(device, job);
  const SampledRun run = run_sampled(device, jobs_[job].model, jobs_[job].workload, dataflow, space_.cycles.decode_samples);
  return {run.prefill_s, run.decode_s, run.prefill_energy_j + run.decode_energy_j, run.pe_energy_j};
}

search::Evaluation CycleEvaluator::evaluate(const search::Candidate& candidate) {
  const System device = forms_.system(candidate);
  return search::judge_device(space_, device, [&](std::size_t job) { return measure(device, job); });
}

}  // namespace bondsim::tools
