#include "mapping/search/dataflow/rows.hpp"

#include <filesystem>
#include <fstream>

#include "mapping/cost/forms/tables.hpp"
#include "mapping/search/dataflow/written.hpp"
#include "models/base/io_error.hpp"

namespace bondsim::search {
namespace {

void write_dataflow(const std::string& directory, std::size_t row, const OperatorTable& operators, const SearchResult& result) {
  const std::string name = fmt::format("row-{}", row + 1);
  std::error_code ec;
  std::filesystem::create_directories(directory, ec);
  const std::string path = (std::filesystem::path(directory) / (name + ".yaml")).string();
  std::ofstream out(path);
  out << to_file(
      written_dataflow(operators, result.dataflow, name, balanced_head_rule(operators)),
      fmt::format("Found by bondsim dse under {}: {:.9g} s a layer.", operators.problem().model->name(), result.latency.total_s()));
  out.close();
  if (!out) throw_unwritable(path);
}

}  // namespace

SearchProblem problem_of_row(const CsvTable& table, std::size_t row, const cost::CostModel& model) {
  const std::string search = table.text(row, "search");
  if (search != "no" && search != "specpim") table.error(row, "search", fmt::format("'{}' is not known, allowed: no, specpim", search));
  const BindingRule rule = search == "no" ? BindingRule::data_centric : BindingRule::compute_centric;
  return make_problem(cost::layer_of_row(table, row), cost::device_of_row(table, row), rule, model);
}

int search_rows(const cost::CostModel& model, const RowOptions& options, CsvTable& table) {
  int infeasible = 0;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const SearchProblem problem = problem_of_row(table, row, model);
    try {
      const OperatorTable operators(problem);
      const SearchResult result = options.genetic ? search_genetically(operators, options.genetic_options) : search_exactly(operators);
      cost::set_latency(table, row, result.latency);
      table.set_number(row, "lower_bound_s_per_layer", result.lower_bound_s);
      table.set(row, "proved_optimal", result.optimal ? "yes" : "no");
      table.set(row, "dataflow", to_text(operators, result.dataflow));
      if (!options.dataflow_directory.empty()) write_dataflow(options.dataflow_directory, row, operators, result);
    } catch (const InfeasibleError& e) {
      ++infeasible;
      for (const char* column : {"total_latency_s_per_layer", "prefill_latency_s_per_layer", "decode_latency_s_per_layer",
                                 "lower_bound_s_per_layer", "proved_optimal"}) {
        table.set(row, column, "");
      }
      table.set(row, "dataflow", std::string("infeasible: ") + e.what());
    }
  }
  return infeasible;
}

}  // namespace bondsim::search
