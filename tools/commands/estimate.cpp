#include "mapping/cost/tables.hpp"
#include "tools/commands/commands.hpp"
#include "tools/experiment.hpp"

namespace bondsim::tools {
namespace {

struct Options {
  std::string model = "h2llm-roofline";
  bool corrected = false;
  std::string system = "configs/system/h2llm.yaml";
  std::string ops;
  std::string fixed;
  std::string out;
};

std::unique_ptr<cost::CostModel> chosen_model(const Options& options) {
  if (options.model == "detailed" && !options.corrected) {
    const System system = load_system(options.system, {});
    return cost::make_cost_model(options.model, &system);
  }
  if (!options.corrected) return cost::make_cost_model(options.model);
  if (options.model != "h2llm-roofline") {
    throw ConfigError(fmt::format("--corrected: is a variant of h2llm-roofline, found --model {}", options.model));
  }
  return cost::make_cost_model("h2llm-roofline-corrected");
}

int estimate(const Options& options) {
  const auto model = chosen_model(options);
  CsvTable table = CsvTable::load(options.ops.empty() ? options.fixed : options.ops);
  if (options.ops.empty()) {
    cost::estimate_fixed_dataflows(*model, table);
  } else {
    cost::estimate_operators(*model, table);
  }
  table.save(options.out);
  return 0;
}

}  // namespace

void add_estimate(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("estimate", "latency by a closed form, for rows of operators or of whole layers");
  command->add_option("--model", options->model, fmt::format("closed form: {}", fmt::join(cost::cost_model_names(), ", ")))
      ->capture_default_str();
  command->add_option("--system", options->system, "for detailed: everything the rows do not say")->capture_default_str();
  command->add_flag("--corrected", options->corrected, "h2llm-roofline with one unit system and the split shares mended");
  CLI::Option* ops =
      command->add_option("--ops", options->ops, "CSV of operators; latency_s is set (columns as in tests/data/roofline_ops.csv)");
  CLI::Option* fixed =
      command->add_option("--fixed", options->fixed, "CSV of layers under fixed dataflows (columns as in tests/data/fixed_dataflows.csv)");
  ops->excludes(fixed);
  command->add_option("--out", options->out, "CSV to write: the same rows and columns, latencies with 17 significant digits")->required();
  command->callback([options, &action] {
    action = [options] {
      if (options->ops.empty() && options->fixed.empty())
        throw ConfigError("estimate: nothing to estimate, one of --ops or --fixed is required");
      return estimate(*options);
    };
  });
}

}  // namespace bondsim::tools
