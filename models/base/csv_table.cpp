#include "models/base/csv_table.hpp"

#include <cmath>
#include <cstdlib>
#include <sstream>

#include "models/base/input_file.hpp"

namespace bondsim {
namespace {

constexpr const char* byte_order_mark = "\xEF\xBB\xBF";

std::vector<std::string> split_line(const std::string& line, const std::string& name, int number) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') quoted = !quoted;
    if (c == ',' && !quoted) {
      cells.emplace_back();
    } else {
      cells.back() += c;
    }
  }
  if (quoted) throw ConfigError(fmt::format("{}:{}: (line): a quote is not closed, fields may not span lines", name, number));
  return cells;
}

std::string unquoted(const std::string& raw) {
  if (raw.size() < 2 || raw.front() != '"' || raw.back() != '"') return raw;
  std::string out;
  for (std::size_t i = 1; i + 1 < raw.size(); ++i) {
    out += raw[i];
    if (raw[i] == '"' && raw[i + 1] == '"' && i + 2 < raw.size()) ++i;
  }
  return out;
}

/// A line of cells as they are. The empty cell of a table of one column is quoted: empty lines are skipped when they are read.
std::string line_of(const std::vector<std::string>& cells) {
  if (cells.size() == 1 && cells[0].empty()) return "\"\"\n";
  return fmt::format("{}\n", fmt::join(cells, ","));
}

std::string joined(const std::vector<std::string>& names) { return fmt::format("{}", fmt::join(names, ", ")); }

}  // namespace

std::string csv_cell(const std::string& value) {
  if (value.find_first_of(",\"\n\r") == std::string::npos && value.compare(0, 3, byte_order_mark) != 0) return value;
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"') out += '"';
    out += c == '\n' || c == '\r' ? ' ' : c;
  }
  return out + "\"";
}

std::vector<std::string> csv_fields(const std::string& line, const std::string& name, int number) {
  std::vector<std::string> cells = split_line(line, name, number);
  for (std::string& cell : cells) cell = unquoted(cell);
  return cells;
}

CsvTable CsvTable::load(const std::string& path) { return parse(read_input_file(path, "a CSV file", max_table_bytes), path); }

CsvTable CsvTable::parse(const std::string& text, const std::string& name) {
  CsvTable table;
  table.name_ = name;
  std::istringstream in(text);
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    while (table.columns_.empty() && line.compare(0, 3, byte_order_mark) == 0) line.erase(0, 3);
    while (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) continue;
    std::vector<std::string> cells = split_line(line, name, number);
    if (table.columns_.empty()) {
      for (const auto& cell : cells) {
        const std::string column = unquoted(cell);
        if (table.has_column(column)) throw ConfigError(fmt::format("{}:{}: {}: column given twice, allowed once", name, number, column));
        table.columns_.push_back(column);
      }
      continue;
    }
    if (cells.size() != table.columns_.size()) {
      throw ConfigError(fmt::format("{}:{}: (line): {} fields, the header has {}", name, number, cells.size(), table.columns_.size()));
    }
    table.cells_.push_back(std::move(cells));
    table.lines_.push_back(number);
  }
  if (table.columns_.empty()) throw ConfigError(fmt::format("{}:1: (header): the file is empty, a line of column names is expected", name));
  return table;
}

CsvTable CsvTable::of_rows(std::size_t rows, const std::vector<std::string>& columns, const std::string& name) {
  CsvTable table;
  table.name_ = name;
  table.columns_ = columns;
  table.cells_.assign(rows, std::vector<std::string>(columns.size()));
  table.lines_.assign(rows, 1);
  return table;
}

std::optional<std::size_t> CsvTable::find(const std::string& column) const {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i] == column) return i;
  }
  return std::nullopt;
}

std::size_t CsvTable::require(const std::string& column) const {
  const auto index = find(column);
  if (!index) throw ConfigError(fmt::format("{}:1: {}: column is missing, found: {}", name_, column, joined(columns_)));
  return *index;
}

void CsvTable::require_rows() const {
  if (cells_.empty()) throw ConfigError(name_ + ":1: (rows): none, allowed: at least one");
}

bool CsvTable::has(std::size_t row, const std::string& column) const {
  const auto index = find(column);
  return index && !unquoted(cells_[row][*index]).empty();
}

std::string CsvTable::text(std::size_t row, const std::string& column) const { return unquoted(cells_[row][require(column)]); }

double CsvTable::number(std::size_t row, const std::string& column, double min, double max) const {
  const std::string value = text(row, column);
  char* end = nullptr;
  const double parsed = std::strtod(value.c_str(), &end);
  const bool plain = value.find_first_not_of("+-.0123456789eE") == std::string::npos;
  if (value.empty() || !plain || end != value.c_str() + value.size() || !std::isfinite(parsed)) {
    error(row, column, fmt::format("'{}' is not a number, allowed: a number from {} to {}", value, min, max));
  }
  if (parsed < min || parsed > max) error(row, column, fmt::format("{} is out of range, allowed: {} to {}", value, min, max));
  return parsed;
}

std::int64_t CsvTable::integer(std::size_t row, const std::string& column, std::int64_t min, std::int64_t max) const {
  const double parsed = number(row, column, static_cast<double>(min), static_cast<double>(max));
  if (parsed != std::floor(parsed) || std::abs(parsed) > 9007199254740992.0) {
    error(row, column, fmt::format("'{}' is not a whole number, allowed: {} to {}", text(row, column), min, max));
  }
  return static_cast<std::int64_t>(parsed);
}

void CsvTable::set(std::size_t row, const std::string& column, const std::string& value) {
  auto index = find(column);
  if (!index) {
    index = columns_.size();
    columns_.push_back(column);
    for (auto& cells : cells_) cells.emplace_back();
  }
  cells_[row][*index] = csv_cell(value);
}

void CsvTable::set_number(std::size_t row, const std::string& column, double value) { set(row, column, fmt::format("{:.17g}", value)); }

void CsvTable::error(std::size_t row, const std::string& column, const std::string& message) const {
  throw ConfigError(fmt::format("{}:{}: {}: {}", name_, lines_[row], column, message));
}

std::string CsvTable::to_text() const {
  std::vector<std::string> header;
  for (const std::string& column : columns_) header.push_back(csv_cell(column));
  std::string out = line_of(header);
  for (const auto& cells : cells_) out += line_of(cells);
  return out;
}

}  // namespace bondsim
