#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/base/error.hpp"

namespace bondsim {

/// Fields of a line without their quotes; @throws ConfigError `name:number: ...` when a quote is not closed.
std::vector<std::string> csv_fields(const std::string& line, const std::string& name, int number);
/// A value as a cell: in quotes where it needs them, on one line.
std::string csv_cell(const std::string& value);

/// A CSV file with a header line, kept as text: cells that are not set are written back exactly as they were read.
/// Fields may be quoted (RFC 4180) but do not span lines; empty lines are skipped; a byte order mark and CR are dropped.
class CsvTable {
 public:
  /// @throws ConfigError when the file is missing, has no header, repeats a column, or a row has another number of fields.
  static CsvTable load(const std::string& path);
  /// The same from text; `name` stands for the file in messages.
  static CsvTable parse(const std::string& text, const std::string& name);
  /// Rows of empty cells.
  static CsvTable of_rows(std::size_t rows, const std::vector<std::string>& columns, const std::string& name);

  std::size_t rows() const { return cells_.size(); }
  const std::vector<std::string>& columns() const { return columns_; }
  bool has_column(const std::string& column) const { return find(column).has_value(); }

  /// @throws ConfigError `file:1: column: ...` with the columns found.
  void require_column(const std::string& column) const { require(column); }
  /// @throws ConfigError for a header alone.
  void require_rows() const;

  /// Whether the row has something in the column (false too when there is no such column).
  bool has(std::size_t row, const std::string& column) const;

  /// Text of a cell without its quotes. @throws ConfigError when the column is missing.
  std::string text(std::size_t row, const std::string& column) const;

  /// A number in decimal notation within [min, max]. @throws ConfigError naming file, line, column, what was found and what is allowed.
  double number(std::size_t row, const std::string& column, double min, double max) const;
  /// The same for whole numbers (`4.0` is one).
  std::int64_t integer(std::size_t row, const std::string& column, std::int64_t min, std::int64_t max) const;

  /// Sets a cell, adding the column at the right end when it is new.
  void set(std::size_t row, const std::string& column, const std::string& value);
  /// Sets a number with 17 significant digits, from which the same double is read again.
  void set_number(std::size_t row, const std::string& column, double value);

  /// @throws ConfigError `file:line: column: message`.
  [[noreturn]] void error(std::size_t row, const std::string& column, const std::string& message) const;

  std::string to_text() const;

 private:
  std::optional<std::size_t> find(const std::string& column) const;
  std::size_t require(const std::string& column) const;

  std::string name_;
  std::vector<std::string> columns_;
  std::vector<std::vector<std::string>> cells_;  ///< raw, quotes included
  std::vector<int> lines_;                       ///< line of each row in the file, 1-based
};

}  // namespace bondsim
