#include "mapping/search/rows.hpp"

#include "mapping/cost/tables.hpp"

namespace bondsim::search {

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
