#include <fmt/format.h>

#include "tools/app/experiment/progress.hpp"
#include "tools/app/output/output_directory.hpp"
#include "tools/app/speculation/study.hpp"
#include "tools/commands/commands.hpp"
#include "tools/commands/run.hpp"

namespace bondsim::tools {
namespace {

struct SpeculateOptions {
  ExperimentRequest experiment;
  SpeculationStudyOptions study;
  std::vector<std::string> acceptances;
  std::string out;
  bool force = false;
};

std::vector<double> numbers(const std::vector<std::string>& texts) {
  std::vector<double> out;
  for (const std::string& text : texts) {
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != 0 || !(value >= 0 && value <= 1)) {
      throw ConfigError(fmt::format("--acceptance: '{}' found, allowed: numbers from 0 to 1", text));
    }
    out.push_back(value);
  }
  return out;
}

int speculate(SpeculateOptions options) {
  const Experiment experiment = load_experiment(options.experiment);
  if (!experiment.workload.speculation) {
    throw ConfigError(fmt::format("{}: the workload has no `speculation`, allowed: one that has (bondsim list)", options.experiment.file));
  }
  if (!options.acceptances.empty()) options.study.acceptances = numbers(options.acceptances);
  std::optional<OutputDirectory> out;
  if (!options.out.empty()) out.emplace(options.out, "speculate", OutputOwner{experiment.digest, options.force});
  std::optional<ProgressBar> bar;
  options.study.progress = [&](std::int64_t done, std::int64_t all) {
    if (!bar) bar.emplace(all);
    bar->show(done);
  };
  const SpeculationStudy study = study_speculation(experiment, options.study);
  if (bar) bar->clear();
  fmt::print("{} on {}, dataflow {}; drafts by {}; steps around a context of {} tokens\n{}", experiment.model.name, experiment.system.name,
             experiment.dataflow.name, experiment.draft ? experiment.draft->model.name : enum_name(study.config.draft), study.context,
             study_text(study));
  if (!out) return 0;
  out->write("speculation.csv", study_csv(study));
  fmt::print("written to {}: {}\n", options.out, list_of(out->commit()));
  return 0;
}

}  // namespace

void add_speculate(Command& app, Action& action) {
  auto options = std::make_shared<SpeculateOptions>();
  Command* command =
      app.add_subcommand("speculate", "when drafts pay: speed-up by depth, batch and acceptance, by cycles and closed forms");
  add_experiment_options(*command, options->experiment);
  command->add_option("-o,--out", options->out, "directory for speculation.csv, which `bondsim report` draws");
  add_force_option(*command, options->force);
  command->add_option("--depth", options->study.depths, "tokens of a draft; several, with commas")->delimiter(',')->range(1, 64);
  command->add_option("--batch", options->study.batches, "requests; several, with commas")->delimiter(',')->range(1, 1024);
  command->add_option("--acceptance", options->acceptances, "chances that a draft is accepted; several, with commas")->delimiter(',');
  add_form_option(*command, options->study.roofline, "beside `detailed`")->capture_default_str();
  command->add_option("-j,--jobs", options->study.jobs, "simulations side by side; 0: one a processor")
      ->range(0, 1024)
      ->capture_default_str();
  command->footer(
      "Example:\n  bondsim speculate configs/experiment/speculation-llama3-8b-draft-1b-npu.yaml --batch 1,4 --out out/speculation");
  command->callback([options, &action] { action = [options] { return speculate(*options); }; });
}

}  // namespace bondsim::tools
