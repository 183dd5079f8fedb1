#include "tools/app/report/shape.hpp"

#include <algorithm>

#include "models/base/input_file.hpp"
#include "models/base/json_text.hpp"

namespace bondsim::tools::report {
namespace {

struct ValueKind {
  const char* name;
  bool (*holds)(const Json&);
};

/// In the order of Value.
const ValueKind& value_kind(Value value) {
  static constexpr ValueKind kinds[] = {
      {"a number", [](const Json& json) { return json.is_number(); }},
      {"a number, or null", [](const Json& json) { return json.is_number() || json.is_null(); }},
      {"text", [](const Json& json) { return json.is_string(); }},
      {"true or false", [](const Json& json) { return json.is_boolean(); }},
      {"a list with at least one item", [](const Json& json) { return json.is_array() && !json.empty(); }}};
  return kinds[static_cast<std::size_t>(value)];
}

class Walk {
 public:
  Walk(const std::string& text, const std::string& file, Value value) : text_(text), file_(file), kind_(value_kind(value)) {}

  /// @param rest of the pattern; @param path to `json`
  void go(const Json& json, const std::string& rest, const std::string& path) const {
    if (rest.empty()) {
      if (!kind_.holds(json)) fail(path, fmt::format("'{}', allowed: {}", shortened(json.dump()), kind_.name));
      return;
    }
    if (rest.compare(0, 2, "[]") == 0) {
      if (!json.is_array()) fail(path, fmt::format("'{}', allowed: a list", shortened(json.dump())));
      for (std::size_t i = 0; i < json.size(); ++i) go(json[i], rest.substr(2), fmt::format("{}[{}]", path, i));
      return;
    }
    const std::string from = rest[0] == '.' ? rest.substr(1) : rest;
    const std::size_t end = std::min(from.find_first_of(".[?"), from.size());
    const std::string key = from.substr(0, end);
    const bool optional = end < from.size() && from[end] == '?';
    const std::string inner = path.empty() ? key : path + "." + key;
    if (!json.is_object() || !json.contains(key)) {
      if (optional) return;
      fail(inner, fmt::format("missing, allowed: {}", from.size() == end ? kind_.name : "what holds the values below it"));
    }
    go(json.at(key), from.substr(end + (optional ? 1 : 0)), inner);
  }

 private:
  static std::string shortened(const std::string& text) { return text.size() > 40 ? text.substr(0, 40) + "..." : text; }

  [[noreturn]] void fail(const std::string& path, const std::string& message) const {
    throw ConfigError(fmt::format("{}:{}: {}: {}", file_, line_of_path(text_, path), path, message));
  }

  const std::string& text_;
  const std::string& file_;
  const ValueKind& kind_;
};

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

bool holds_numbers(const std::string& column, const TableShape& shape) {
  const auto named = [&](const std::vector<std::string>& names) { return std::find(names.begin(), names.end(), column) != names.end(); };
  if (shape.all_but_text) return !named(shape.text) && column.find('.') == std::string::npos;
  return named(shape.numbers) ||
         std::any_of(shape.endings.begin(), shape.endings.end(), [&](const std::string& end) { return ends_with(column, end); });
}

}  // namespace

void require_shape(const Json& json, const std::string& text, const std::string& file, const std::vector<Needed>& all) {
  for (const Needed& needed : all) {
    for (const std::string& path : needed.paths) Walk(text, file, needed.value).go(json, path, "");
  }
}

Json load_shaped(const std::string& file, const std::string& kind, const std::string& schema, const std::vector<Needed>& all) {
  const std::string text = read_input_file(file, kind, max_table_bytes);
  Json json = parse_json<Json>(text, file);
  require_shape(json, text, file, {{Value::text, {"schema"}}});
  if (json.at("schema") != schema) {
    throw ConfigError(
        fmt::format("{}:{}: schema: '{}', allowed: {}", file, line_of_path(text, "schema"), json.at("schema").get<std::string>(), schema));
  }
  require_shape(json, text, file, all);
  return json;
}

void require_columns(const CsvTable& table, const TableShape& shape) {
  for (const std::string& column : shape.required) table.require_column(column);
  table.require_rows();
  for (const std::string& column : table.columns()) {
    if (!holds_numbers(column, shape)) continue;
    for (std::size_t row = 0; row < table.rows(); ++row) {
      if (table.has(row, column)) table.number(row, column, -1e300, 1e300);
    }
  }
}

}  // namespace bondsim::tools::report
