#include <fmt/format.h>

#include <memory>
#include <string>

#include "tools/app/experiment/progress.hpp"
#include "tools/app/output/output_directory.hpp"
#include "tools/app/serving/profile.hpp"
#include "tools/commands/commands.hpp"
#include "tools/commands/run.hpp"

namespace bondsim::tools {
namespace {

struct ProfileOptions {
  ExperimentRequest experiment;
  std::string format = "llmservingsim";
  std::string out;
  ProfileGrids grids;
};

int profile(const ProfileOptions& options) {
  const Experiment experiment = load_experiment(options.experiment);
  if (options.grids.context < 128 || options.grids.tokens < 1) {
    throw ConfigError(fmt::format("profile: --context {} and --tokens {} found, allowed: from 128 and from 1", options.grids.context,
                                  options.grids.tokens));
  }
  OutputDirectory directory(options.out, "profile");
  std::unique_ptr<ProgressBar> bar;
  const ProfileBundle files = llmservingsim_profile(experiment, options.grids, [&](int done, int all) {
    if (!bar) bar = std::make_unique<ProgressBar>(all);
    bar->show(done);
  });
  if (bar) bar->clear();
  for (const auto& [name, text] : files) directory.write(name, text);
  fmt::print("profile of {} on {}, by cycles, in the form of LLMServingSim 2\nwritten to {}: {}\n", experiment.model.name,
             experiment.system.name, options.out, list_of(directory.commit()));
  return 0;
}

}  // namespace

void add_profile(Command& app, Action& action) {
  auto* command = app.add_subcommand("profile", "times of a device's layers by cycles, for simulators of clusters");
  auto options = std::make_shared<ProfileOptions>();
  add_experiment_options(*command, options->experiment);
  command->add_option("--format", options->format, "form of the files")->one_of({"llmservingsim"});
  command->add_option("-o,--out", options->out, "directory for HARDWARE/MODEL/VARIANT")->required();
  command->add_option("--max-batch", options->grids.requests, "requests that decode together, at most")->range(1, 256);
  command->add_option("--context", options->grids.context, "longest context, in tokens");
  command->add_option("--tokens", options->grids.tokens, "tokens of prompts in an iteration, at most");
  command->footer("Example:\n  bondsim profile configs/experiment/h2llm-llama3-8b-sharegpt.yaml --format llmservingsim --out out/profile");
  command->callback([options, &action] { action = [options] { return profile(*options); }; });
}

}  // namespace bondsim::tools
