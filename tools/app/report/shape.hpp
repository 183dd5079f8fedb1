#pragma once
#include <string>
#include <vector>

#include "models/base/csv_table.hpp"
#include "tools/app/report/inputs.hpp"

/// What a page needs of the files it shows: a file that lacks it is refused, instead of drawn in part.
namespace bondsim::tools::report {

enum class Value { number, number_or_null, text, flag, items };  ///< items: a list with something in it

/// Values of a JSON file that a page reads. `points[].hottest.bank_c`: of each item of a list; `slo?.ttft_ms`: where there is an `slo`.
struct Needed {
  Value value;
  std::vector<std::string> paths;
};

/// @param text the file's, for lines
/// @throws ConfigError `file:line: path: what was found, what is allowed`
void require_shape(const Json& json, const std::string& text, const std::string& file, const std::vector<Needed>& all);

/// A file that has all of it. @param kind of file, for messages @param schema that the file must name
/// @throws ConfigError likewise
Json load_shaped(const std::string& file, const std::string& kind, const std::string& schema, const std::vector<Needed>& all);

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
