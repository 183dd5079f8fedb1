#pragma once
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "models/base/quantity.hpp"
#include "sim/trace/text_lines.hpp"

namespace bondsim {

/// Reads a task trace row by row; cells are asked for by column.
class TaskLines {
 public:
  /// @throws ConfigError when it is not a task trace.
  explicit TaskLines(const std::string& path);

  bool next();  ///< @throws ConfigError for a row of another shape
  std::string_view line() const { return line_; }
  std::string_view cell(const std::string& column) const { return cells_.at(columns_.at(column)); }
  /// @throws ConfigError when the cell is not a whole number
  std::int64_t number(const std::string& column) const;
  /// Adds the number times `repeat` to `sum`. @throws ConfigError also when that does not fit 64 bits
  void add(const std::string& column, std::int64_t repeat, std::int64_t& sum) const;
  /// Names of the parts, without `_ps`.
  const std::vector<std::string>& parts() const { return parts_; }
  const std::vector<std::string>& head() const { return head_; }  ///< lines above the rows

 private:
  void split();

  TextLines lines_;
  std::string_view line_;
  std::vector<std::string_view> cells_;
  std::map<std::string, std::size_t> columns_;
  std::vector<std::string> parts_;
  std::vector<std::string> head_;
};

/// Reads the events of a trace.json as bondsim writes it: one a line.
class EventLines {
 public:
  /// @throws ConfigError when it is not such a file.
  explicit EventLines(const std::string& path);

  bool next();  ///< @throws ConfigError for a line that is no event
  const nlohmann::json& event() const { return event_; }
  std::string text() const { return text_; }  ///< of the event, without a comma
  const std::string& head() const { return head_; }
  Picoseconds start() const { return time("ts"); }
  Picoseconds end() const { return start() + (event_.contains("dur") ? time("dur") : Picoseconds()); }

 private:
  Picoseconds time(const char* key) const;

  TextLines lines_;
  std::string head_;
  std::string text_;
  nlohmann::json event_;
};

}  // namespace bondsim
