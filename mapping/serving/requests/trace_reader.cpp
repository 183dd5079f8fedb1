#include "mapping/serving/requests/trace_reader.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>

#include "models/base/csv_table.hpp"
#include "models/base/input_file.hpp"
#include "models/base/json_text.hpp"

namespace bondsim::serving {
namespace {

constexpr double most_tokens = 1 << 24;
constexpr double most_seconds = 1e10;

/// Names of a format's columns; `unit_s` seconds are one of its time.
struct Columns {
  const char* time;
  const char* prompt;
  const char* output;
  double unit_s;
};

/// REFERENCE of each: the data set's own description.
const std::map<TraceFormat, Columns>& columns_of() {
  static const std::map<TraceFormat, Columns> table = {
      {TraceFormat::mooncake, {"timestamp", "input_length", "output_length", 1e-3}},
      {TraceFormat::azure, {"TIMESTAMP", "ContextTokens", "GeneratedTokens", 1}},
      {TraceFormat::burstgpt, {"Timestamp", "Request tokens", "Response tokens", 1}},
      {TraceFormat::vidur, {"Time", "PromptTokenCount", "CompletionTokenCount", 1}},
      {TraceFormat::llmservingsim, {"arrival_time_ns", "input_toks", "output_toks", 1e-9}}};
  return table;
}

/// Days from 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date algorithms").
std::int64_t days_of(std::int64_t year, int month, int day) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t of_era = year - era * 400;
  const std::int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/// Seconds of `2023-11-16 18:17:03.9799600`, a zone (`+00:00`) left out of account; empty when it is none.
std::optional<double> seconds_of_date(const std::string& text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, used = 0;
  double second = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2d %2d:%2d:%lf%n", &year, &month, &day, &hour, &minute, &second, &used) != 6) return std::nullopt;
  const std::string rest = text.substr(static_cast<std::size_t>(used));
  if (!rest.empty() && rest.find_first_not_of("+-:0123456789Z") != std::string::npos) return std::nullopt;
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 23 || minute < 0 || minute > 59) return std::nullopt;
  if (!(second >= 0 && second < 61)) return std::nullopt;
  return static_cast<double>(days_of(year, month, day) * 86400 + hour * 3600 + minute * 60) + second;
}

/// Lines of a file with their numbers.
class LineReader : public TraceReader {
 public:
  LineReader(TraceFormat format, std::string file, const char* expected)
      : format_(format), columns_(columns_of().at(format)), file_(std::move(file)), in_(open_input_file(file_, expected)) {}

 protected:
  /// The next line that has something; false at the end.
  bool line(std::string& text) {
    while (std::getline(in_, text)) {
      ++number_;
      if (number_ == 1 && text.compare(0, 3, "\xEF\xBB\xBF") == 0) text.erase(0, 3);
      while (!text.empty() && text.back() == '\r') text.pop_back();
      if (!text.empty()) return true;
    }
    return false;
  }
  [[noreturn]] void error(const std::string& column, const std::string& message) const {
    throw ConfigError(fmt::format("{}:{}: {}: {}", file_, number_, column, message));
  }
  void in_order(double seconds) {
    if (seconds < last_) error(columns_.time, "is earlier than the row before, allowed: rows in order of time");
    last_ = seconds;
  }
  std::int64_t tokens(const std::string& column, double value, double least) const {
    if (value != std::floor(value) || value < least || value > most_tokens) {
      error(column, fmt::format("{} found, allowed: whole numbers, {} to {}", value, least, most_tokens));
    }
    return static_cast<std::int64_t>(value);
  }
  double time(double value) const {
    if (value < 0 || value * columns_.unit_s > most_seconds) {
      error(columns_.time, fmt::format("{} found, allowed: 0 to {}", value, most_seconds / columns_.unit_s));
    }
    return value * columns_.unit_s;
  }

  TraceFormat format_;
  Columns columns_;
  std::string file_;
  std::ifstream in_;
  int number_ = 0;
  double last_ = 0;
};

class CsvTrace : public LineReader {
 public:
  CsvTrace(TraceFormat format, const std::string& file) : LineReader(format, file, "a CSV file") {
    std::string header;
    if (!line(header)) throw ConfigError(fmt::format("{}:1: (header): the file is empty, a line of column names is expected", file));
    const std::vector<std::string> names = csv_fields(header, file_, number_);
    fields_ = names.size();
    for (const auto& [name, at] : {std::make_pair(columns_.time, &time_), {columns_.prompt, &prompt_}, {columns_.output, &output_}}) {
      const auto found = std::find(names.begin(), names.end(), name);
      if (found == names.end()) {
        throw ConfigError(fmt::format("{}:1: {}: column is missing, found: {}", file_, name, fmt::join(names, ", ")));
      }
      *at = static_cast<std::size_t>(found - names.begin());
    }
  }

  std::optional<TraceRow> next() override {
    for (std::string text; line(text);) {
      const std::vector<std::string> cells = csv_fields(text, file_, number_);
      if (cells.size() != fields_) error("(line)", fmt::format("{} fields, the header has {}", cells.size(), fields_));
      TraceRow row;
      row.seconds = format_ == TraceFormat::azure ? date(cells[time_]) : time(number(columns_.time, cells[time_]));
      in_order(row.seconds);
      row.prompt_tokens = tokens(columns_.prompt, number(columns_.prompt, cells[prompt_]), 1);
      const double output = number(columns_.output, cells[output_]);
      if (format_ == TraceFormat::burstgpt && output == 0) continue;  // the service failed
      row.output_tokens = tokens(columns_.output, output, 1);
      return row;
    }
    return std::nullopt;
  }

 private:
  double number(const char* column, const std::string& text) const {
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    const bool plain = !text.empty() && text.find_first_not_of("+-.0123456789eE") == std::string::npos;
    if (!plain || end != text.c_str() + text.size() || !std::isfinite(value)) {
      error(column, fmt::format("'{}' is not a number, allowed: numbers from 0", text));
    }
    return value;
  }
  double date(const std::string& text) {
    const auto seconds = seconds_of_date(text);
    if (!seconds) error(columns_.time, fmt::format("'{}' is no time, allowed: as 2023-11-16 18:17:03.9799600", text));
    if (!first_) first_ = *seconds;
    return *seconds - *first_;
  }

  std::size_t fields_ = 0, time_ = 0, prompt_ = 0, output_ = 0;
  std::optional<double> first_;
};

class JsonTrace : public LineReader {
 public:
  JsonTrace(TraceFormat format, const std::string& file) : LineReader(format, file, "a file with a JSON object a line") {}

  std::optional<TraceRow> next() override {
    std::string text;
    if (!line(text)) return std::nullopt;
    const auto json = parse_json(text, file_, number_);
    if (!json.is_object()) error("(line)", "no JSON object, one a line is expected");
    TraceRow row;
    row.seconds = time(number(json, columns_.time));
    in_order(row.seconds);
    row.prompt_tokens = tokens(columns_.prompt, number(json, columns_.prompt), 1);
    row.output_tokens = tokens(columns_.output, number(json, columns_.output), 1);
    if (format_ == TraceFormat::mooncake) row.prefixes = prefixes(json);
    return row;
  }

 private:
  double number(const nlohmann::json& json, const char* key) const {
    const auto found = json.find(key);
    if (found == json.end()) error(key, "key is missing");
    if (!found->is_number()) error(key, fmt::format("{} found, allowed: a number", found->dump()));
    return found->get<double>();
  }
  std::vector<std::int64_t> prefixes(const nlohmann::json& json) const {
    std::vector<std::int64_t> out;
    const auto found = json.find("hash_ids");
    if (found == json.end()) return out;
    if (!found->is_array()) error("hash_ids", "no list, allowed: a list of whole numbers");
    for (const auto& item : *found) {
      if (!item.is_number_integer()) error("hash_ids", fmt::format("{} found, allowed: whole numbers", item.dump()));
      out.push_back(item.get<std::int64_t>());
    }
    return out;
  }
};

}  // namespace

std::unique_ptr<TraceReader> open_trace(TraceFormat format, const std::string& file) {
  check(format != TraceFormat::made, "made requests have no trace");
  if (format == TraceFormat::mooncake || format == TraceFormat::llmservingsim) return std::make_unique<JsonTrace>(format, file);
  return std::make_unique<CsvTrace>(format, file);
}

TraceFormat format_of(const std::string& file) {
  std::ifstream in = open_input_file(file, "a trace of requests");
  std::string line;
  while (line.find_first_not_of(" \r") == std::string::npos && std::getline(in, line)) {
  }
  const bool json = line.find('{') != std::string::npos;
  for (const auto& [format, columns] : columns_of()) {
    const bool of_json = format == TraceFormat::mooncake || format == TraceFormat::llmservingsim;
    const auto has = [&](const std::string& name) { return line.find(json ? '"' + name + '"' : name) != std::string::npos; };
    if (of_json == json && has(columns.time) && has(columns.prompt) && has(columns.output)) return format;
  }
  throw ConfigError(fmt::format(
      "{}:1: (line): no trace of requests, allowed: Mooncake's, LLMServingSim's (JSON lines), Azure's, BurstGPT's, Vidur's (CSV)", file));
}

}  // namespace bondsim::serving
