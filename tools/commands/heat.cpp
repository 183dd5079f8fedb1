#include <fmt/format.h>

#include <memory>
#include <optional>

#include "tools/app/thermal/heat_study.hpp"
#include "tools/commands/run.hpp"

namespace bondsim::tools {
namespace {

struct HeatCommandOptions {
  ExperimentRequest experiment;
  HeatRequest request;
  std::vector<std::string> ambients;
  std::string currents = "maximum";
  std::vector<std::string> exports;
  bool json = false;
  std::string out;
  bool force = false;
};

std::vector<double> temperatures(const std::vector<std::string>& texts) {
  std::vector<double> out;
  for (const std::string& text : texts) {
    std::size_t end = 0;
    double c = 0;
    try {
      c = std::stod(text, &end);
    } catch (const std::exception&) {
      end = 0;
    }
    if (end != text.size() || text.empty() || !(c >= -100 && c <= 200)) {
      throw ConfigError(fmt::format("--ambient {}: no temperature, allowed: -100 to 200 C, separated by commas", text));
    }
    out.push_back(c);
  }
  return out;
}

/// Without --stack the experiment file's `heat` holds, where the command line does not say otherwise.
void take_from_file(HeatCommandOptions& options) {
  HeatRequest& request = options.request;
  request.ambients_c = temperatures(options.ambients);
  if (!request.stack.empty()) return;
  const HeatRequest named = heat_request(options.experiment.file);
  if (named.stack.empty()) throw ConfigError("--stack: is missing, allowed: a file of configs/stack/, or an experiment with `heat`");
  request.stack = named.stack;
  if (request.ambients_c.empty()) request.ambients_c = named.ambients_c;
  if (request.policies.empty()) request.policies = named.policies;
  if (request.duration_s == 0) request.duration_s = named.duration_s;
  if (request.step_s == 0) request.step_s = named.step_s;
}

int heat(HeatCommandOptions options) {
  take_from_file(options);
  const Stack stack = find_stack(options.request.stack, options.experiment.overrides);
  const Experiment experiment = load_experiment(options.experiment);
  options.request.options.column = options.currents == "typical" ? EnergyColumn::typical : EnergyColumn::maximum;
  std::optional<OutputDirectory> out;
  if (!options.out.empty()) out.emplace(options.out, "heat", OutputOwner{experiment.digest, options.force});
  const HeatStudy study = study_heat(experiment, stack, options.request);
  fmt::print("{}", options.json ? heat_json(experiment, stack, study) : heat_text(experiment, stack, study));
  if (!out) return 0;
  write_heat(experiment, stack, study, *out);
  for (const std::string& solver : options.exports) export_heat(experiment, stack, study, solver, *out);
  const std::string files = list_of(out->commit());
  if (!options.json) fmt::print("written to {}: {}\n", options.out, files);
  return 0;
}

}  // namespace

void add_heat(Command& app, Action& action) {
  auto* command = app.add_subcommand("heat", "temperatures of a machine in a package, and what they do to its speed");
  auto options = std::make_shared<HeatCommandOptions>();
  add_experiment_options(*command, options->experiment);
  command->add_option("--stack", options->request.stack,
                      "package: a file of configs/stack/, instead of all that the experiment has under `heat`");
  command->add_option("--ambient", options->ambients, "temperatures of the ambient in C, separated by commas; the stack's own")
      ->delimiter(',')
      ->allow_extra_args(false);
  command->add_option("--policy", options->request.policies, "throttling policies of the stack, separated by commas; beside none")
      ->delimiter(',')
      ->allow_extra_args(false);
  auto* duration = command->add_option("--duration", options->request.duration_s, "seconds of the run repeated, from a cold machine on")
                       ->range(1e-6, 1e7);
  command->add_option("--step", options->request.step_s, "seconds of a step of it; a 600th of the duration")
      ->range(1e-6, 1e6)
      ->needs(duration);
  command
      ->add_option("--run-step", options->request.run_step_s,
                   "seconds of a step of one run whose power is taken as it was simulated, from its steady state on: run.csv")
      ->range(1e-6, 1e6);
  command->add_option("--samples", options->request.options.decode_samples, "decode steps that a state's simulation takes; 0: all")
      ->range(0, 1 << 24)
      ->capture_default_str();
  command->add_option("--currents", options->currents, "column of the DRAM's currents")
      ->one_of({"maximum", "typical"})
      ->capture_default_str();
  command->add_option("-o,--out", options->out, "directory for heat.json, heat.csv, blocks.csv, maps.csv, course.csv and run.csv");
  add_force_option(*command, options->force);
  command
      ->add_option("--export", options->exports,
                   "the stack and the powers of the first point as another solver reads them: hotspot, 3d-ice, separated by commas")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->one_of({"hotspot", "3d-ice"})
      ->needs("--out");
  command->add_flag("--json", options->json, "print heat.json instead of the table");
  command->footer(
      "Example:\n  bondsim heat configs/experiment/h2llm-llama3-8b-sharegpt.yaml --stack edge-passive --ambient 15,25,35,45 "
      "--policy pe_clock,duty,to_npu --duration 1800 --out out/heat");
  command->callback([options, &action] { action = [options] { return heat(*options); }; });
}

}  // namespace bondsim::tools
