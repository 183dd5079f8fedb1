#pragma once
#include <string>

#include "models/base/csv_table.hpp"
#include "tools/app/validation/validation_report.hpp"

namespace bondsim::tools {

/// Reads somebody's predictions for cases. Those of an experiment are found by `operator`, `phase` and `step`, in any order; cases that no
/// row names have none. Rows of operators alone stand in the order of the cases; shapes are compared where the file gives them. The time
/// in seconds is `latency_s`, in a validate.csv of bondsim `cycle_latency_s`; an empty cell is no prediction.
/// @throws ConfigError naming all columns that are missing at once, or the first row that fits no case
Judged read_predictions(const std::string& file, const CsvTable& cases);

/// The cases with an empty column `latency_s`, to be filled in.
std::string prediction_template(const CsvTable& cases);

}  // namespace bondsim::tools
