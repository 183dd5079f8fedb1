#include <memory>

#include "mapping/cost/forms/make_cost_model.hpp"
#include "mapping/search/dataflow/rows.hpp"
#include "tools/commands/commands.hpp"
#include "tools/commands/dse_space.hpp"

namespace bondsim::tools {
namespace {

struct Options {
  std::string fixed;
  SpaceOptions space;
  search::RowOptions rows;
};

int search_fixed_devices(const Options& options) {
  const auto model = cost::make_cost_model(options.space.model);
  CsvTable table = CsvTable::load(options.fixed);
  const int infeasible = search::search_rows(*model, options.rows, table);
  table.save(options.space.out);
  if (infeasible > 0) {
    fmt::print(stderr, "bondsim: {} of {} rows have no dataflow that fits the memory, see their `dataflow`\n", infeasible, table.rows());
  }
  return infeasible > 0 ? 1 : 0;
}

int dse(const Options& options) {
  if (options.fixed.empty() == options.space.space.empty()) {
    throw ConfigError("dse: one of SPACE.yaml and --fixed ROWS.csv is required, and only one");
  }
  return options.fixed.empty() ? search_space(options.space) : search_fixed_devices(options);
}

void add_row_options(CLI::App& command, Options& options) {
  command.add_option("--fixed", options.fixed, "CSV of devices and workloads (columns as in tests/data/dse_best.csv, latencies ignored)");
  command.add_option("--dataflows", options.rows.dataflow_directory, "--fixed: directory for each row's dataflow as a file, row-N.yaml");
  command.add_flag("--genetic", options.rows.genetic, "--fixed: the genetic search instead of the exact one");
  auto& genetic = options.rows.genetic_options;
  command.add_option("--population", genetic.population, "--genetic: dataflows in a generation")
      ->check(CLI::Range(2, 1000000))
      ->capture_default_str();
  command.add_option("--generations", genetic.generations, "--genetic: generations")->check(CLI::Range(0, 1000000))->capture_default_str();
  command.add_option("--seed", genetic.seed, "--genetic: seed")->capture_default_str();
}

}  // namespace

void add_dse(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("dse", "search for devices and their dataflows");
  SpaceOptions& space = options->space;
  space.model = "h2llm-roofline";
  command->add_option("SPACE", space.space, "design space (configs/space/): devices are searched, each with its best dataflows");
  command
      ->add_option("--out", space.out,
                   "SPACE: directory for front.csv, dataflows/ and search.sqlite; --fixed: CSV of the same rows with what was found")
      ->required();
  command->add_option("--model", space.model, fmt::format("closed form: {}", fmt::join(cost::cost_model_names(), ", ")))
      ->capture_default_str();
  command
      ->add_option("--tier", space.tier,
                   "SPACE: what judges devices: analytical (a closed form), cycle (simulation), or both: the closed form screens, "
                   "simulation confirms")
      ->capture_default_str();
  command->add_option("-j,--jobs", space.jobs, "SPACE: worker processes; 0: one a processor")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command->add_flag("--resume", space.resume, "SPACE: go on with the search in --out");
  add_row_options(*command, *options);
  command->footer(
      "Example:\n  bondsim dse configs/space/h2llm.yaml --out out/space\n  bondsim dse --fixed tests/data/dse_best.csv --out found.csv");
  command->callback([options, &action] { action = [options] { return dse(*options); }; });
}

}  // namespace bondsim::tools
