#pragma once
#include <cstdint>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/command.hpp"

/// A reader of task traces of its own: nothing of the writer is used.
namespace bondsim::test {

using TaskCsvRow = std::map<std::string, std::string>;

inline std::int64_t number(const TaskCsvRow& row, const std::string& column) { return std::stoll(row.at(column)); }

inline std::vector<std::string> split_cells(const std::string& line) {
  std::vector<std::string> cells(1);
  for (const char c : line) {
    if (c == ',') {
      cells.emplace_back();
    } else {
      cells.back() += c;
    }
  }
  return cells;
}

/// Rows of a CSV file below its first line, by column; empty when that line is not `schema`.
inline std::vector<TaskCsvRow> read_csv_below(const std::string& path, const std::string& schema) {
  std::istringstream in(file_text(path));
  std::string line;
  std::vector<TaskCsvRow> rows;
  if (!std::getline(in, line) || line != schema || !std::getline(in, line)) return rows;
  const auto titles = split_cells(line);
  while (std::getline(in, line)) {
    const auto cells = split_cells(line);
    TaskCsvRow row;
    for (std::size_t i = 0; i < cells.size() && i < titles.size(); ++i) row[titles[i]] = cells[i];
    rows.push_back(std::move(row));
  }
  return rows;
}

/// Rows of a `*.tasks.csv`.
inline std::vector<TaskCsvRow> read_task_csv(const std::string& path) { return read_csv_below(path, "# bondsim.tasks/2"); }

}  // namespace bondsim::test
