#pragma once
#include <initializer_list>
#include <string>
#include <vector>

#include "models/base/csv_table.hpp"
#include "tools/app/report/inputs.hpp"

/// What a page needs of the files it shows: a file that lacks it is refused, instead of drawn in part.
namespace bondsim::tools::report {

enum class Value { number, number_or_null, text, flag };

/// A value of a JSON file that a page reads. `points[].hottest.bank_c`: of each item of a list; `slo?.ttft_ms`: where there is an `slo`.
struct Needed {
  std::string path;
  Value value;
};

/// @param text the file's, for lines
/// @throws ConfigError `file:line: path: what was found, what is allowed`
void require_shape(const Json& json, const std::string& text, const std::string& file, std::initializer_list<Needed> all);

/// @throws ConfigError unless the file is an object with this `schema`
void require_schema(const Json& json, const std::string& text, const std::string& file, const std::string& schema);

/// Columns of a table that a page reads. A column of numbers may have empty cells.
struct TableShape {
  std::vector<std::string> required;
  std::vector<std::string> numbers;  ///< where the table has them
  std::vector<std::string> endings;  ///< columns whose names end so are numbers, too
  bool all_but_text = false;         ///< of numbers are all columns but those of `text`, and those with a dot, keys of an experiment
  std::vector<std::string> text = {};
};

/// @throws ConfigError `file:line: column: what was found, what is allowed`
void require_columns(const CsvTable& table, const TableShape& shape);

}  // namespace bondsim::tools::report
