#pragma once
#include "mapping/search/dataflow/exact_search.hpp"
#include "mapping/search/dataflow/genetic_search.hpp"
#include "models/base/csv_table.hpp"

namespace bondsim::search {

/// Kind of search for each row of a table, and where its dataflow is written.
struct RowOptions {
  bool genetic = false;
  GeneticOptions genetic_options = {};
  std::string dataflow_directory = {};  ///< where each row's dataflow goes as a file, row-N.yaml; empty: nowhere
};

/// The problem of a row. Columns: search (no: data-centric, specpim: compute-centric), model, prompt_len, gen_len, batch, nmp_channels,
/// fpu_num, freq_mhz, pe_bw_gbps. @throws ConfigError
SearchProblem problem_of_row(const CsvTable& table, std::size_t row, const cost::CostModel& model);

/// Finds the best dataflow of each row and sets the three latency columns, `lower_bound_s_per_layer`, `proved_optimal` (yes, no) and
/// `dataflow` (see to_text). Other columns pass through. @return rows for which nothing fits the memory: their dataflow says why.
int search_rows(const cost::CostModel& model, const RowOptions& options, CsvTable& table);

}  // namespace bondsim::search
