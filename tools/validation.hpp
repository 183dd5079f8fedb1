#pragma once
#include <string>
#include <utility>
#include <vector>

#include "mapping/cost/tables.hpp"
#include "models/system/system.hpp"

/// Operators alone on the cycle model, and what closed forms make of them.
namespace bondsim::tools {

/// A row on the machine: `base` with the row's device, and with the buffers of the optional columns weight_buffer_kib, input_buffer_kib,
/// output_buffer_kib, dma_chunk_kib.
struct ValidationRow {
  cost::OperatorRow op;       ///< as the row says
  cost::OperatorRow machine;  ///< with the peak and the bus that `system` really has
  System system;
};
ValidationRow validation_row(const System& base, const CsvTable& table, std::size_t row);

struct CycleResult {
  double latency_s = 0;                               ///< 0: no mapping exists
  std::string dominant;                               ///< the part of the time that is longest
  std::vector<std::pair<std::string, double>> parts;  ///< shares of the time: the mean over the NMP channels, or of the NPU
  std::string infeasible;                             ///< why there is no result
};

/// All rows, `jobs` at a time, each in a process of its own. @throws InternalError naming the row whose simulation failed or died.
std::vector<CycleResult> run_cycles(const std::vector<ValidationRow>& rows, int jobs);

/// Rows that come with bondsim: quick (under a minute) or full (at least 500). @throws ConfigError listing the names.
CsvTable validation_suite(const std::string& name);

}  // namespace bondsim::tools
