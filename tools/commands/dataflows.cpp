#include <unistd.h>

#include "tools/app/dataflows/study.hpp"
#include "tools/app/output/output_directory.hpp"
#include "tools/app/speculation/search.hpp"
#include "tools/commands/commands.hpp"
#include "tools/commands/run.hpp"

namespace bondsim::tools {
namespace {

struct DataflowsOptions {
  ExperimentRequest experiment;
  DataflowStudyOptions study;
  std::string out;
  bool force = false;
};

/// One line of progress on a terminal; silent in a pipe.
void show_progress(const std::string& what, int done, int total) {
  if (isatty(STDERR_FILENO) == 0) return;
  fmt::print(stderr, "\r\x1b[K[{}/{}] {}", done, total, what);
  if (done == total) fmt::print(stderr, "\r\x1b[K");
}

/// With drafts, their depth and width and both dataflows together.
int with_drafts(const Experiment& experiment, const DataflowsOptions& options, OutputDirectory& directory) {
  SpeculationSearchOptions search;
  search.files = options.study.files;
  search.confirm = options.study.confirm;
  search.progress = show_progress;
  const std::vector<SpeculationChoice> choices = search_speculation(experiment, search);
  const SpeculationChoice& best = choices.front();
  const std::string comment =
      fmt::format("The fastest of {} choices of dataflows, depth and width of {} on {}, by cycles: {:.6g} s a token.", choices.size(),
                  experiment.model.name, experiment.system.name, *best.confirmed_s);
  directory.write("speculations.csv", search_csv(choices));
  directory.write("best.yaml", to_file(best.dataflow, comment));
  if (best.draft) directory.write("best_draft.yaml", to_file(*best.draft, comment));
  fmt::print("{}", search_text(choices));
  fmt::print("written to {}: {}\n", options.out, list_of(directory.commit()));
  return 0;
}

int dataflows(DataflowsOptions options) {
  const Experiment experiment = load_experiment(options.experiment);
  OutputDirectory directory(options.out, "dataflows", {experiment.digest, options.force});
  if (experiment.workload.speculation) return with_drafts(experiment, options, directory);
  options.study.progress = show_progress;
  const DataflowStudy study = study_dataflows(experiment, options.study);
  const RankedDataflow& winner = study.winner();
  directory.write("dataflows.csv", study_csv(study));
  directory.write("best.yaml", to_file(winner.dataflow,
                                       fmt::format("The fastest of {} dataflows of {} on {}, by cycles: {:.6g} s.", study.ranking.size(),
                                                   experiment.model.name, experiment.system.name, winner.confirmed->times.total_s())));
  directory.commit();
  fmt::print("{}written to {}: best.yaml ({}), dataflows.csv\n", study_summary(study, experiment), options.out, winner.dataflow.name);
  return 0;
}

}  // namespace

void add_dataflows(Command& app, Action& action) {
  auto options = std::make_shared<DataflowsOptions>();
  Command* command = app.add_subcommand("dataflows", "rank dataflows of an experiment: shipped and found, by estimate and by simulation");
  add_experiment_options(*command, options->experiment);
  command->add_option("-o,--out", options->out, "directory for best.yaml (the fastest dataflow) and dataflows.csv")->required();
  add_force_option(*command, options->force);
  command->add_option("--candidate", options->study.files, "one more dataflow file to rank; may be given several times");
  command->add_option("--samples", options->study.decode_samples, "decode steps estimated and simulated, evenly over the contexts; 0: all")
      ->range(0, 1 << 24)
      ->capture_default_str();
  command->add_option("--confirm", options->study.confirm, "best estimates that are simulated, besides shipped ones that come near")
      ->range(1, 1000)
      ->capture_default_str();
  command->add_option("--refine", options->study.refinements, "estimates spent on refining the best candidates")
      ->range(0, 1000000)
      ->capture_default_str();
  command->add_option("-j,--jobs", options->study.jobs, "simulations side by side; 0: one a processor")
      ->range(0, 1024)
      ->capture_default_str();
  command->footer("Example:\n  bondsim dataflows configs/experiment/h2llm-llama3-8b-sharegpt.yaml --out out/dataflows");
  command->callback([options, &action] { action = [options] { return dataflows(*options); }; });
}

}  // namespace bondsim::tools
