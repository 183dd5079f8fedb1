#include "tools/app/studies/run_experiment.hpp"

#include "tools/app/studies/plan_experiment.hpp"
#include "tools/app/studies/speculation_figures.hpp"

namespace bondsim::tools {

Results run_experiment(const Experiment& experiment, SimulateOptions options,
                       const std::function<void(std::int64_t, std::int64_t)>& progress) {
  std::optional<PlainDecode> plain;
  if (experiment.workload.speculation) plain = simulate_plain_decode(experiment);
  const auto schedule = schedule_experiment(experiment);
  const std::int64_t steps = schedule->header().steps + 1;
  if (progress) options.progress = [&progress, steps](const Block& block) { progress(block.step, steps); };
  Results results = simulate(experiment.system, *schedule, options);
  results.prompt_tokens = static_cast<std::int32_t>(experiment.workload.prompt_of(0));
  results.generated_tokens = static_cast<std::int32_t>(experiment.workload.generated_tokens);
  results.config_digest = experiment.digest;
  results.config_files = experiment.files;
  results.config_values = experiment.values;
  if (plain) {
    results.speculation = speculation_figures(experiment);
    set_plain(results, *plain);
  }
  return results;
}

void write_results(const Results& results, const OutputDirectory& out) {
  out.write("results.json", results_json(results));
  out.write("operators.csv", operators_csv(results));
  out.write("channels.csv", channels_csv(results));
}

}  // namespace bondsim::tools
