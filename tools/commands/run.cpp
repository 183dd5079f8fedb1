#include "tools/commands/run.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

#include "mapping/cost/forms/make_cost_model.hpp"
#include "models/system/area.hpp"
#include "sim/sensitivity.hpp"
#include "tools/app/experiment/experiment.hpp"
#include "tools/app/experiment/progress.hpp"
#include "tools/app/output/output_directory.hpp"
#include "tools/app/studies/forecast.hpp"
#include "tools/app/studies/ladder.hpp"
#include "tools/app/studies/run_experiment.hpp"
#include "tools/app/thermal/hot_run.hpp"
#include "tools/commands/trace_options.hpp"

namespace bondsim::tools {
namespace {

constexpr double no_ambient = -1000;

struct RunOptions {
  ExperimentRequest request;
  std::string out;
  bool ladder = false;
  bool sensitivity = false;
  bool json = false;
  bool quiet = false;
  bool yes_long = false;
  bool force = false;
  std::string stack;
  double ambient_c = no_ambient;
  TraceOptions trace;
};

std::string ladder_text(const Experiment& experiment, const std::vector<LadderStep>& steps) {
  std::string out = fmt::format("fidelity ladder: {} on {}, dataflow {}\n  {:<18}{:>14}{:>16}{:>12}{:>10}\n", experiment.model.name,
                                experiment.system.name, experiment.dataflow.name, "", "prefill ms", "per token ms", "total s", "change");
  for (std::size_t i = 0; i < steps.size(); ++i) {
    out += fmt::format("  {:<18}{:>14.3f}{:>16.4f}{:>12.4f}{:>9.2f} %\n", steps[i].name, steps[i].prefill_s * 1e3, steps[i].token_s * 1e3,
                       steps[i].total_s, change_at(steps, i) * 100);
  }
  return out;
}

int run_ladder(const Experiment& experiment, const RunOptions& options) {
  std::optional<OutputDirectory> out;
  if (!options.out.empty()) out.emplace(options.out, "run --ladder", OutputOwner{experiment.digest, options.force});
  std::optional<ProgressBar> bar;
  const auto steps = fidelity_ladder(experiment, [&bar](std::size_t done, std::size_t all) {
    if (!bar) bar.emplace(static_cast<std::int64_t>(all));
    bar->show(static_cast<std::int64_t>(done));
  });
  bar->clear();
  if (out) out->write("ladder.csv", ladder_csv(steps));
  const std::string files = out ? list_of(out->commit()) : "";
  if (options.quiet) return 0;
  fmt::print("{}", ladder_text(experiment, steps));
  if (out) fmt::print("written to {}: {}\n", options.out, files);
  return 0;
}

/// The machine in its package, where the run is one at the temperatures it makes.
struct Package {
  Stack stack;
  HotRun run;
  Package(const Experiment& experiment, Stack of) : stack(std::move(of)), run(experiment, stack) {}
};

/// Runs that would take longer are begun with --yes-long alone.
constexpr double longest_unasked_s = 3600;

int run(RunOptions options) {
  if (options.ladder &&
      (!options.stack.empty() || !options.trace.kinds.empty() || options.trace.power_ns > 0 || options.json || options.sensitivity)) {
    throw ConfigError("--ladder: prints and writes its table alone, allowed: without --stack, --trace, --power, --json and --sensitivity");
  }
  std::vector<std::string>& overrides = options.request.overrides;
  if (options.ambient_c != no_ambient) overrides.push_back(fmt::format("stack.cooling.ambient_c={}", options.ambient_c));
  std::optional<ConfigNode> stack;
  if (!options.stack.empty()) stack = stack_tree(options.stack, overrides);
  Experiment experiment = load_experiment(options.request);
  if (!options.yes_long) require_ends(experiment, longest_unasked_s);
  if (options.ladder) return run_ladder(experiment, options);
  std::unique_ptr<Package> package;
  if (stack) {
    note_stack(experiment, *stack);
    package = std::make_unique<Package>(experiment, decode_stack(*stack, "stack"));
    experiment = package->run.experiment();
  }
  std::optional<OutputDirectory> out;
  if (!options.out.empty()) out.emplace(options.out, "run", OutputOwner{experiment.digest, options.force});
  ProgressBar bar(experiment.workload.generated_tokens + 1);
  SimulateOptions simulate_options;
  RunTraces traces(options.trace, experiment.system, out ? out->path() : "");
  traces.attach(simulate_options);
  const Results results = run_experiment(experiment, simulate_options, [&bar](std::int64_t done, std::int64_t) { bar.show(done); });
  bar.clear();
  traces.finish();
  if (out) write_results(results, *out);
  HeatStudy heat;
  if (package) heat = package->run.confirmed(results);
  if (package && out) write_heat(experiment, package->stack, heat, *out);
  const std::string files = out ? list_of(out->commit()) : "";
  if (options.json) fmt::print("{}", results_json(results));
  if (options.json || options.quiet) return 0;
  fmt::print("{}{}", results_summary(results), area_text(experiment.system));
  if (package) fmt::print("{}", heat_text(experiment, package->stack, heat));
  if (options.sensitivity) fmt::print("{}", sensitivity_text(energy_sensitivity(experiment.system, results)));
  if (out) fmt::print("written to {}: {}\n", options.out, files);
  fmt::print("bondsim help WORD says what a word means, e.g. bondsim help dependency\n");
  return 0;
}

}  // namespace

void add_experiment_options(Command& command, ExperimentRequest& request, bool alone) {
  command.add_option("EXPERIMENT", request.file, "experiment file, or a system file with --model, --workload and --dataflow")
      ->required(alone);
  command.add_option("--model", request.model, "language model: a file of configs/model/, or a Hugging Face config.json");
  command.add_option("--llm", request.model, "the same")->now_called("--model");
  command.add_option("--workload", request.workload, "workload file (configs/workload/)");
  command.add_option("--dataflow", request.dataflow, "dataflow file (configs/dataflow/)");
  command.add_option("--tiling", request.tiling, "tilings of weight GEMMs by name (bondsim.tiling/1), instead of those the mapper chooses");
  command.add_option("--set", request.overrides, "change one value, e.g. system.nmp.pe.fpus=4; may be repeated")->allow_extra_args(false);
  command.add_flag("--allow-illegal", request.allow_illegal, "take a device whose PEs are larger than the published area limits");
}

void add_force_option(Command& command, bool& force) {
  command.add_flag("--force", force, "replace results of another experiment in --out")->needs("--out");
}

Option* add_form_option(Command& command, std::string& form, const std::string& about) {
  return command.add_option("--form", form, fmt::format("closed form: {}; {}", fmt::join(cost::cost_model_names(), ", "), about));
}

void take_form_from_model(std::string& model, std::string& form) {
  const std::vector<std::string> names = cost::cost_model_names();
  if (std::find(names.begin(), names.end(), model) == names.end()) return;
  fmt::print(stderr, "note: --model {} is now --form {}; --model is the language model\n", model, model);
  form = model;
  model.clear();
}

void add_run(Command& app, Action& action) {
  auto* command = app.add_subcommand("run", "simulate a model on a system: latency, energy, where they went");
  auto options = std::make_shared<RunOptions>();
  add_experiment_options(*command, options->request);
  command->add_option("-o,--out", options->out, "directory for results.json, operators.csv and channels.csv");
  add_force_option(*command, options->force);
  add_trace_options(*command, options->trace, {"commands", "drampower", "hbmpower", "tasks", "perfetto", "vcd"});
  add_power_option(*command, options->trace);
  command->add_flag("--ladder", options->ladder, "run once for each fidelity switch turned on, and print what each effect costs");
  command->add_flag("--sensitivity", options->sensitivity, "print the energy over the published range of HB and array energies");
  auto* stack =
      command->add_option("--stack", options->stack, "package (configs/stack/): run at the temperatures that the run makes in it");
  command->add_option("--ambient", options->ambient_c, "temperature of the ambient in C; the stack's own")
      ->range(-100.0, 200.0)
      ->needs(stack);
  command->add_flag("--yes-long", options->yes_long, "begin a run that would take more than an hour");
  auto* json = command->add_flag("--json", options->json, "print results.json instead of the summary");
  command->add_flag("-q,--quiet", options->quiet, "print nothing; errors and the exit status remain")->excludes(json);
  command->footer(
      "Example:\n  bondsim run configs/experiment/h2llm-llama3-8b-sharegpt.yaml --out out/default\n"
      "  bondsim run configs/experiment/h2llm-llama3-8b-sharegpt.yaml --set system.nmp.pe.fpus=4 --set workload.batch=4");
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace bondsim::tools
