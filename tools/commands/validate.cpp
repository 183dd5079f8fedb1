#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "mapping/cost/forms/make_cost_model.hpp"
#include "tools/app/experiment/progress.hpp"
#include "tools/app/output/output_directory.hpp"
#include "tools/app/output/output_file.hpp"
#include "tools/app/published/suite.hpp"
#include "tools/app/validation/judging.hpp"
#include "tools/app/validation/predictions.hpp"
#include "tools/app/validation/validation_plot.hpp"
#include "tools/commands/commands.hpp"
#include "tools/commands/run.hpp"

namespace bondsim::tools {
namespace {

struct ValidateOptions {
  ValidationRequest request;
  std::string forms;
  std::string gate;
  std::string out;
  bool write_template = false;
  bool published = false;
  Plotting plot = Plotting::where_possible;
};

int write_template(const ValidateOptions& options) {
  OutputFile file(options.out);
  const ValidationSet set = validation_cases(options.request);
  file.stream() << prediction_template(set.table);
  file.commit();
  fmt::print("{}\nwritten to {}: {} cases, `latency_s` to be filled in; then validate ... --predictions {}\n", set.title, options.out,
             set.table.rows(), options.out);
  return 0;
}

/// What others published: all targets, or the one that stands where an experiment would.
int validate_published(const ValidateOptions& options) {
  const std::string& name = options.request.experiment.file;
  OutputDirectory directory(options.out, "validate");
  std::vector<FigureResult> all;
  std::string text;
  for (const TargetFile& file : target_files(name)) {
    if (file.experiments) {
      text += fmt::format("{}: a paper's experiments, run by `bondsim reproduce {}`\n", file.name, file.name);
      continue;
    }
    const Target target = load_target(file.file);
    ProgressBar bar(static_cast<std::int64_t>(target.figures.size()));
    std::int64_t done = 0;
    const auto results = run_target(target, [&] { bar.show(++done); });
    bar.clear();
    text += published_text(target, results);
    all.insert(all.end(), results.begin(), results.end());
  }
  const auto missed = std::count_if(all.begin(), all.end(), [](const FigureResult& r) { return !r.kept(); });
  directory.write("published.csv", published_csv(all));
  const std::string no_figure = all.empty() ? "" : plot_published(directory.path(), options.plot);
  fmt::print("{}{} figures, {} past their tolerance; written to {}: {}{}\n", text, all.size(), missed, options.out,
             list_of(directory.commit()), no_figure);
  return missed == 0 ? 0 : 1;
}

int validate(const ValidateOptions& options) {
  const cost::Gate gate = cost::Gate::parse(options.gate);
  ValidationRequest request = options.request;
  std::istringstream list(options.forms);
  for (std::string name; std::getline(list, name, ',');) request.forms.push_back(name);
  OutputDirectory directory(options.out, "validate");
  auto [set, judged] = plan_validation(request);
  ProgressBar bar(static_cast<std::int64_t>(set.cases.size()));
  const auto cycles = run_cycles(set.cases, request.jobs, request.limit_s, [&bar](std::int64_t done) { bar.show(done); });
  bar.clear();
  write_columns(set.table, cycles, judged);
  directory.write("validate.csv", set.table.to_text());
  directory.write("accuracy.csv", accuracy_csv(set, cycles, judged));
  const std::string no_figure = plot_validation(directory.path(), options.plot);
  const std::string files = list_of(directory.commit());
  const AccuracyReport report = accuracy_report(set, cycles, judged, gate);
  fmt::print("{}written to {}: {}{}\n", report.text, options.out, files, no_figure);
  return report.gate_kept ? 0 : 1;
}

}  // namespace

void add_validate(Command& app, Action& action) {
  auto options = std::make_shared<ValidateOptions>();
  Command* command = app.add_subcommand(
      "validate", "closed forms, or anybody's predictions, against the cycle model: operator by operator, and steps of an experiment");
  add_experiment_options(*command, options->request.experiment, false);
  Option* experiment = command->get_option("EXPERIMENT");
  command->add_option("--samples", options->request.samples, "of an experiment: decode steps, evenly from the first to the last")
      ->range(0, 1 << 20)
      ->capture_default_str();
  Option* ops = command->add_option("--ops", options->request.ops, "CSV of operators (columns as in tests/data/roofline_ops.csv)");
  Option* suite = command->add_option(
      "--suite", options->request.suite,
      "cases that come with bondsim: quick, full, verification (operators), quick_steps, steps (whole prefills and decode steps)");
  command->add_option(
      "--predictions", options->request.predictions,
      "CSV with latency_s for each case (of an experiment by operator, phase and step); alone, its rows are the operators too");
  Option* system =
      command->add_option("--system", options->request.system, "everything that rows of operators do not say")->capture_default_str();
  suite->excludes(ops);
  for (Option* other : {ops, suite, system}) experiment->excludes(other);
  command->add_option("--forms", options->forms,
                      fmt::format("closed forms, comma between: {}; all when left out", fmt::join(cost::cost_model_names(), ", ")));
  command->add_option("--models", options->forms, "the same")->now_called("--forms");
  command->add_option("--gate", options->gate, "limits for each of them, as mape=5,worst=15,tau=0.9,device_tau=0.95: exit 1 when missed");
  command->add_option("--jobs", options->request.jobs, "simulations at a time")->range(1, 256)->capture_default_str();
  command->add_option("--row-timeout", options->request.limit_s, "seconds a simulation may take; 0: any time")->capture_default_str();
  command->add_flag_callback(
      "--plot", [options] { options->plot = Plotting::required; }, "fail when the figure cannot be drawn (needs python3 and matplotlib)");
  command->add_flag_callback(
      "--no-plot", [options] { options->plot = Plotting::off; }, "no figure");
  command->add_flag("--published", options->published,
                    "against what others published (configs/reproduce/): all, or the one named instead of an experiment; exit 1 past a "
                    "tolerance");
  command->add_flag("--write-template", options->write_template, "write the cases to the file --out, for --predictions, and run nothing");
  command->add_option("-o,--out", options->out, "directory for validate.csv, accuracy.csv, validate.svg and validate.png")->required();
  command->footer(
      "Examples:\n  bondsim validate --published --out out/published\n  bondsim validate configs/experiment/h2llm-llama3-8b-sharegpt.yaml "
      "--out out/validate\n"
      "  bondsim validate --suite quick --forms detailed --gate mape=5,worst=15,tau=0.95 --out out/validate");
  command->callback([options, &action] {
    action = [options] {
      const ValidationRequest& request = options->request;
      if (options->published) return validate_published(*options);
      if (request.experiment.file.empty() && request.ops.empty() && request.suite.empty() && request.predictions.empty()) {
        throw ConfigError("validate: nothing to validate, one of EXPERIMENT, --ops, --suite, --predictions or --published is required");
      }
      return options->write_template ? write_template(*options) : validate(*options);
    };
  });
}

}  // namespace bondsim::tools
