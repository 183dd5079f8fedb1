#include "mapping/search/rows.hpp"
#include "tools/commands/commands.hpp"

namespace bondsim::tools {
namespace {

struct Options {
  std::string fixed;
  std::string out;
  std::string model = "h2llm-roofline";
  search::RowOptions rows;
};

int search_fixed_devices(const Options& options) {
  const auto model = cost::make_cost_model(options.model);
  CsvTable table = CsvTable::load(options.fixed);
  const int infeasible = search::search_rows(*model, options.rows, table);
  table.save(options.out);
  if (infeasible > 0)
    fmt::print(stderr, "bondsim: {} of {} rows have no dataflow that fits the memory, see their `dataflow`\n", infeasible, table.rows());
  return infeasible > 0 ? 1 : 0;
}

}  // namespace

void add_dse(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("dse", "search for the best dataflow of given devices");
  command->add_option("--fixed", options->fixed, "CSV of devices and workloads (columns as in tests/data/dse_best.csv, latencies ignored)")
      ->required();
  command->add_option("--out", options->out, "CSV to write: the same rows with the found latencies, bound and dataflow")->required();
  command->add_option("--model", options->model, fmt::format("closed form: {}", fmt::join(cost::cost_model_names(), ", ")))
      ->capture_default_str();
  command->add_option("--dataflows", options->rows.dataflow_directory, "directory for each row's dataflow as a file, row-N.yaml");
  command->add_flag("--genetic", options->rows.genetic, "the genetic search instead of the exact one");
  auto& genetic = options->rows.genetic_options;
  command->add_option("--population", genetic.population, "genetic: dataflows in a generation")
      ->check(CLI::Range(2, 1000000))
      ->capture_default_str();
  command->add_option("--generations", genetic.generations, "genetic: generations")->check(CLI::Range(0, 1000000))->capture_default_str();
  command->add_option("--seed", genetic.seed, "genetic: seed")->capture_default_str();
  command->callback([options, &action] { action = [options] { return search_fixed_devices(*options); }; });
}

}  // namespace bondsim::tools
