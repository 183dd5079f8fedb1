#include <fmt/format.h>

#include <sstream>

#include "mapping/cost/forms/make_cost_model.hpp"
#include "tools/app/processes/output_directory.hpp"
#include "tools/app/validation_plot.hpp"
#include "tools/app/validation_report.hpp"
#include "tools/commands/commands.hpp"
#include "tools/commands/run.hpp"

namespace bondsim::tools {
namespace {

struct Options {
  ExperimentRequest experiment;
  int samples = 3;
  std::string ops;
  std::string suite;
  std::string predictions;
  std::string system = "configs/system/h2llm.yaml";
  std::string models;
  std::string gate;
  std::string out;
  int jobs = 2;
  unsigned limit_s = 600;
  Plotting plot = Plotting::where_possible;
};

ValidationSet chosen_set(const Options& options) {
  if (!options.experiment.file.empty()) return validation_of_experiment(load_experiment(options.experiment), options.samples);
  const System base = load_system(options.system, {});
  if (!options.suite.empty()) return validation_of_rows(base, validation_suite(options.suite));
  return validation_of_rows(base, CsvTable::load(options.ops.empty() ? options.predictions : options.ops));
}

Judged judge_model(const std::string& name, const std::vector<ValidationCase>& cases) {
  Judged judged{name, {}};
  for (const ValidationCase& c : cases) {
    double seconds = 0;
    try {
      seconds = c.predicted(*cost::make_cost_model(name, c.system.get()));
    } catch (const InfeasibleError&) {
    }
    judged.seconds.push_back(seconds);
  }
  return judged;
}

/// `latency_s` of a file whose rows are those of `table`, in the same order; shapes are compared where the file gives them.
Judged judge_file(const std::string& file, const CsvTable& table) {
  const CsvTable predictions = CsvTable::load(file);
  if (predictions.rows() != table.rows()) {
    throw ConfigError(fmt::format("{}: {} rows, allowed: one for each of the {} cases", file, predictions.rows(), table.rows()));
  }
  Judged judged{"predictions", {}};
  for (std::size_t row = 0; row < table.rows(); ++row) {
    for (const char* column : {"B", "M", "N", "K"}) {
      if (!predictions.has(row, column)) continue;
      const std::int64_t asked = table.integer(row, column, 1, std::int64_t{1} << 40);
      if (predictions.integer(row, column, 1, std::int64_t{1} << 40) != asked) {
        predictions.error(row, column, fmt::format("{} found, the operator has {}", predictions.text(row, column), asked));
      }
    }
    judged.seconds.push_back(predictions.number(row, "latency_s", 1e-15, 1e12));
  }
  return judged;
}

std::vector<Judged> judge(const Options& options, const ValidationSet& set) {
  std::vector<std::string> names;
  std::istringstream list(options.models);
  for (std::string name; std::getline(list, name, ',');) names.push_back(name);
  if (options.models.empty() && options.predictions.empty()) names = cost::cost_model_names();
  std::vector<Judged> judged;
  for (const std::string& name : names) judged.push_back(judge_model(name, set.cases));
  if (!options.predictions.empty()) judged.push_back(judge_file(options.predictions, set.table));
  return judged;
}

int validate(const Options& options) {
  const cost::Gate gate = cost::Gate::parse(options.gate);
  ValidationSet set = chosen_set(options);
  OutputDirectory directory(options.out, "validate.csv");
  const std::vector<Judged> judged = judge(options, set);
  const std::vector<CycleResult> cycles = run_cycles(set.cases, options.jobs, options.limit_s);
  write_columns(set.table, cycles, judged);
  directory.write("validate.csv", set.table.to_text());
  const std::string plotted = plot_validation(directory.path(), options.plot);
  directory.commit();
  const bool kept = report_accuracy(set, cycles, judged, gate);
  fmt::print("written to {}: validate.csv{}\n", options.out, plotted);
  return kept ? 0 : 1;
}

}  // namespace

void add_validate(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "validate", "closed forms, or anybody's predictions, against the cycle model: operator by operator, and steps of an experiment");
  add_experiment_options(*command, options->experiment, ExperimentNames::beside_closed_forms);
  CLI::Option* experiment = command->get_option("EXPERIMENT");
  command->add_option("--samples", options->samples, "of an experiment: decode steps, evenly from the first to the last")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  CLI::Option* ops = command->add_option("--ops", options->ops, "CSV of operators (columns as in tests/data/roofline_ops.csv)");
  CLI::Option* suite = command->add_option("--suite", options->suite, "operators that come with bondsim: quick, full");
  command->add_option("--predictions", options->predictions, "CSV with latency_s for each case; alone, its rows are the operators too");
  CLI::Option* system =
      command->add_option("--system", options->system, "everything that rows of operators do not say")->capture_default_str();
  suite->excludes(ops);
  for (CLI::Option* other : {ops, suite, system}) experiment->excludes(other);
  command->add_option("--models", options->models,
                      fmt::format("closed forms, comma between: {}; all when left out", fmt::join(cost::cost_model_names(), ", ")));
  command->add_option("--gate", options->gate, "limits for each of them, as mape=5,worst=15,tau=0.9,device_tau=0.95: exit 1 when missed");
  command->add_option("--jobs", options->jobs, "simulations at a time")->check(CLI::Range(1, 256))->capture_default_str();
  command->add_option("--row-timeout", options->limit_s, "seconds a simulation may take; 0: any time")->capture_default_str();
  command->add_flag_callback(
      "--plot", [options] { options->plot = Plotting::required; }, "fail when the figure cannot be drawn (needs python3 and matplotlib)");
  command->add_flag_callback(
      "--no-plot", [options] { options->plot = Plotting::off; }, "no figure");
  command->add_option("--out", options->out, "directory for validate.csv, validate.svg and validate.png")->required();
  command->footer(
      "Examples:\n  bondsim validate configs/experiment/h2llm-llama3-8b-sharegpt.yaml --out out/validate\n"
      "  bondsim validate --suite quick --models detailed --gate mape=5,worst=15,tau=0.95 --out out/validate");
  command->callback([options, &action] {
    action = [options] {
      if (options->experiment.file.empty() && options->ops.empty() && options->suite.empty() && options->predictions.empty()) {
        throw ConfigError("validate: nothing to validate, one of EXPERIMENT, --ops, --suite or --predictions is required");
      }
      return validate(*options);
    };
  });
}

}  // namespace bondsim::tools
