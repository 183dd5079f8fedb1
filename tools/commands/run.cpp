#include "tools/commands/run.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "mapping/emit/mapper.hpp"
#include "models/system/area.hpp"
#include "sim/sensitivity.hpp"
#include "sim/simulate.hpp"
#include "tools/app/experiment.hpp"
#include "tools/app/progress.hpp"
#include "tools/commands/ladder.hpp"
#include "tools/commands/trace_options.hpp"

namespace bondsim::tools {
namespace {

struct RunOptions {
  ExperimentRequest request;
  std::string out;
  bool ladder = false;
  bool sensitivity = false;
  TraceOptions trace;
};

int run(const RunOptions& options) {
  const Experiment experiment = load_experiment(options.request);
  if (options.ladder) return run_ladder(experiment, options.out);
  const auto schedule =
      make_schedule(make_plan(experiment.system, experiment.model, experiment.workload, experiment.dataflow, experiment.tiling));
  ProgressBar bar(schedule->header().steps + 1);
  SimulateOptions simulate_options;
  simulate_options.progress = [&bar](const Block& block) { bar.show(block.step); };
  RunTraces traces(options.trace, experiment.system, options.out);
  traces.attach(simulate_options);
  Results results = simulate(experiment.system, *schedule, simulate_options);
  bar.clear();
  results.prompt_tokens = static_cast<std::int32_t>(experiment.workload.prompt_of(0));
  results.generated_tokens = static_cast<std::int32_t>(experiment.workload.generated_tokens);
  results.config_digest = experiment.digest;
  results.config_files = experiment.files;
  results.config_values = experiment.values;
  if (!options.out.empty()) write_results(results, options.out);
  traces.finish();
  fmt::print("{}{}", results_summary(results), area_text(experiment.system));
  if (options.sensitivity) fmt::print("{}", sensitivity_text(energy_sensitivity(experiment.system, results)));
  if (!options.out.empty()) fmt::print("written to {}: results.json, operators.csv, channels.csv{}\n", options.out, traces.files());
  return 0;
}

}  // namespace

void add_experiment_options(CLI::App& command, ExperimentRequest& request, ExperimentNames names) {
  const bool alone = names == ExperimentNames::required;
  const std::string model = alone ? "--model" : "--llm";
  command
      .add_option("EXPERIMENT", request.file, fmt::format("experiment file, or a system file with {}, --workload and --dataflow", model))
      ->required(alone);
  command.add_option(model, request.model, "model file (configs/model/)");
  command.add_option("--workload", request.workload, "workload file (configs/workload/)");
  command.add_option("--dataflow", request.dataflow, "dataflow file (configs/dataflow/)");
  command.add_option("--tiling", request.tiling, "tilings of weight GEMMs by name (bondsim.tiling/1), instead of those the mapper chooses");
  command.add_option("--set", request.overrides, "change one value, e.g. system.nmp.pe.fpus=4; may be repeated")->allow_extra_args(false);
  command.add_flag("--allow-illegal", request.allow_illegal, "take a device whose PEs are larger than the published area limits");
}

void add_run(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand("run", "simulate a model on a system: latency, energy, where they went");
  auto options = std::make_shared<RunOptions>();
  add_experiment_options(*command, options->request);
  command->add_option("--out", options->out, "directory for results.json, operators.csv and channels.csv");
  add_trace_options(*command, options->trace, {"commands", "tasks", "perfetto", "vcd"});
  add_power_option(*command, options->trace);
  command->add_flag("--ladder", options->ladder, "run once for each fidelity switch turned on, and print what each effect costs");
  command->add_flag("--sensitivity", options->sensitivity, "print the energy over the published range of HB and array energies");
  command->footer(
      "Example:\n  bondsim run configs/experiment/h2llm-llama3-8b-sharegpt.yaml --out out/default\n"
      "  bondsim run configs/experiment/h2llm-llama3-8b-sharegpt.yaml --set system.nmp.pe.fpus=4 --set workload.batch=4");
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace bondsim::tools
