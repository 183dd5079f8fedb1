#include <fmt/format.h>

#include <optional>

#include "mapping/cost/detailed/detailed.hpp"
#include "mapping/cost/forms/make_cost_model.hpp"
#include "mapping/cost/forms/tables.hpp"
#include "tools/app/output/output_directory.hpp"
#include "tools/app/output/output_file.hpp"
#include "tools/app/studies/run_estimate.hpp"
#include "tools/commands/commands.hpp"
#include "tools/commands/run.hpp"

namespace bondsim::tools {
namespace {

struct EstimateOptions {
  ExperimentRequest experiment;
  std::string form;  ///< empty: detailed, or with --corrected h2llm-roofline
  bool corrected = false;
  std::string system = "configs/system/h2llm.yaml";
  std::string ops;
  std::string fixed;
  std::string out;
  bool force = false;
};

/// @param system of the experiment; null: the one of --system
std::unique_ptr<cost::CostModel> chosen_model(const EstimateOptions& options, const System* system) {
  if (options.corrected && !options.form.empty() && options.form != "h2llm-roofline") {
    throw ConfigError(fmt::format("--corrected: is a variant of h2llm-roofline, found --form {}", options.form));
  }
  const std::string name = options.corrected ? "h2llm-roofline-corrected" : options.form.empty() ? "detailed" : options.form;
  if (name != "detailed" || system != nullptr) return cost::make_cost_model(name, system);
  const System named = load_system(options.system, {});
  return cost::make_cost_model(name, &named);
}

int estimate_table(const EstimateOptions& options) {
  if (options.out.empty()) throw ConfigError("estimate: --out FILE.csv is required with --ops and --fixed");
  OutputFile out(options.out);
  const auto model = chosen_model(options, nullptr);
  CsvTable table = CsvTable::load(options.ops.empty() ? options.fixed : options.ops);
  if (options.ops.empty()) {
    cost::estimate_fixed_dataflows(*model, table);
  } else {
    cost::estimate_operators(*model, table);
  }
  out.stream() << table.to_text();
  out.commit();
  fmt::print("{}\nwritten to {}\n", cost::measured_error_text(model->name(), "full"), options.out);
  return 0;
}

int estimate_experiment(const EstimateOptions& options) {
  const Experiment experiment = load_experiment(options.experiment);
  const auto model = chosen_model(options, &experiment.system);
  std::optional<OutputDirectory> out;
  if (!options.out.empty()) out.emplace(options.out, "estimate", OutputOwner{experiment.digest, options.force});
  StepSampling sampling;
  const Results results = estimate_run(experiment, *model, &sampling);
  if (out) {
    out->write("estimate.json", estimate_json(results, *model));
    out->write("operators.csv", operators_csv(results));
    out->commit();
  }
  fmt::print("{}{}", estimate_summary(results, *model), sampling_text(sampling));
  if (std::string(model->name()) == "detailed") fmt::print("{}", cost::switches_not_followed(experiment.system));
  if (!options.out.empty()) fmt::print("written to {}: estimate.json, operators.csv\n", options.out);
  return 0;
}

int estimate(const EstimateOptions& options) {
  if (!options.experiment.file.empty()) return estimate_experiment(options);
  if (options.ops.empty() && options.fixed.empty()) {
    throw ConfigError("estimate: nothing to estimate, one of EXPERIMENT, --ops or --fixed is required");
  }
  return estimate_table(options);
}

}  // namespace

void add_estimate(Command& app, Action& action) {
  auto options = std::make_shared<EstimateOptions>();
  Command* command = app.add_subcommand("estimate", "latency by a closed form: of an experiment, or of rows of operators or whole layers");
  add_experiment_options(*command, options->experiment, false);
  Option* experiment = command->get_option("EXPERIMENT");
  add_form_option(*command, options->form, "detailed when left out");
  Option* system =
      command->add_option("--system", options->system, "of rows, for detailed: everything they do not say")->capture_default_str();
  command->add_flag("--corrected", options->corrected, "h2llm-roofline with one unit system and the split shares mended");
  Option* ops =
      command->add_option("--ops", options->ops, "CSV of operators; latency_s is set (columns as in tests/data/roofline_ops.csv)");
  Option* fixed =
      command->add_option("--fixed", options->fixed, "CSV of layers under fixed dataflows (columns as in tests/data/fixed_dataflows.csv)");
  ops->excludes(fixed);
  for (Option* other : {ops, fixed, system}) experiment->excludes(other);
  command->add_option(
      "-o,--out", options->out,
      "of rows: the CSV to write, same rows and columns, latencies with 17 significant digits; of an experiment: a directory "
      "for estimate.json and operators.csv");
  add_force_option(*command, options->force);
  command->footer(
      "Examples:\n  bondsim estimate configs/experiment/h2llm-llama3-8b-sharegpt.yaml --form detailed\n"
      "  bondsim estimate --form h2llm-roofline --ops tests/data/roofline_ops.csv --out ops.csv");
  command->callback([options, &action] {
    action = [options] {
      take_form_from_model(options->experiment.model, options->form);
      return estimate(*options);
    };
  });
}

}  // namespace bondsim::tools
