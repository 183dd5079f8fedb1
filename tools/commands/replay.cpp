#include <fmt/format.h>

#include <memory>
#include <optional>

#include "models/schedule/schedule_json.hpp"
#include "models/system/validate/validator.hpp"
#include "sim/simulate.hpp"
#include "tools/app/experiment/experiment.hpp"
#include "tools/app/experiment/progress.hpp"
#include "tools/app/output/output_directory.hpp"
#include "tools/app/studies/run_experiment.hpp"
#include "tools/commands/commands.hpp"
#include "tools/commands/trace_options.hpp"

namespace bondsim::tools {
namespace {

struct ReplayOptions {
  std::string system;
  std::string schedule;
  std::string out;
  std::vector<std::string> overrides;
  bool allow_illegal = false;
  TraceOptions trace;
};

int replay(const ReplayOptions& options) {
  const System system = load_system(options.system, options.overrides);
  require_legal(system, options.allow_illegal);
  // Checked as a whole before the simulation begins: from inside the kernel a fault could not come out as what it is.
  const auto checked = open_schedule(options.schedule);
  if (const auto fault = validate_schedule(system, *checked)) throw ConfigError(checked->place() + ": " + fault->text());
  std::optional<OutputDirectory> out;
  if (!options.out.empty()) out.emplace(options.out, "run");
  const auto schedule = open_schedule(options.schedule);
  ProgressBar bar(schedule->header().steps + 1);
  SimulateOptions simulate_options;
  simulate_options.progress = [&bar](const Block& block) { bar.show(block.step); };
  RunTraces traces(options.trace, system, out ? out->path() : "");
  traces.attach(simulate_options);
  Results results = simulate(system, *schedule, simulate_options);
  bar.clear();
  results.prompt_tokens = schedule->header().prompt_tokens;
  results.generated_tokens = schedule->header().steps;
  results.config_files = {options.system, options.schedule};
  traces.finish();
  if (out) write_results(results, *out);
  const std::string files = out ? list_of(out->commit()) : "";
  fmt::print("{}", results_summary(results));
  if (out) fmt::print("written to {}: {}\n", options.out, files);
  return 0;
}

}  // namespace

void add_replay(Command& app, Action& action) {
  auto* command = app.add_subcommand("replay", "run a schedule file on a system: one that map wrote, or any other program or hand");
  auto options = std::make_shared<ReplayOptions>();
  command->add_option("SYSTEM", options->system, "system file, or an experiment file whose system is taken")->required();
  command->add_option("SCHEDULE", options->schedule, "schedule file (bondsim.schedule/2); it is checked before it runs")->required();
  command->add_option("--set", options->overrides, "change one value of the system, e.g. system.nmp.pe.fpus=4; may be repeated")
      ->allow_extra_args(false);
  command->add_flag("--allow-illegal", options->allow_illegal, "take a device whose PEs are larger than the published area limits");
  command->add_option("-o,--out", options->out, "directory for results.json, operators.csv and channels.csv");
  add_trace_options(*command, options->trace, {"commands", "drampower", "hbmpower", "tasks", "perfetto", "vcd"});
  command->footer(
      "Example:\n  bondsim map configs/experiment/h2llm-llama3-8b-sharegpt.yaml --out llama.schedule\n"
      "  bondsim replay configs/system/h2llm.yaml llama.schedule --out out/llama\n"
      "  bondsim replay configs/system/h2llm.yaml traces/by-hand.schedule");
  command->callback([options, &action] { action = [options] { return replay(*options); }; });
}

}  // namespace bondsim::tools
