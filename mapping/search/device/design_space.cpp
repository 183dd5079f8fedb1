#include "mapping/search/device/design_space.hpp"

#include <algorithm>
#include <cmath>

#include "models/base/digest.hpp"
#include "models/base/named_file.hpp"
#include "models/base/schema.hpp"

namespace bondsim::search {
namespace {

constexpr const char* parameter_shape = "a list of {key, values}, {key, range: {from, to, step or factor}} or {keys, rows}";
constexpr const char* parameter_json = R"({"type": "array", "items": {"type": "object", "additionalProperties": false, "properties": {
  "key": {"type": "string"}, "values": {"type": "array", "minItems": 1},
  "range": {"type": "object", "additionalProperties": false, "required": ["from", "to"], "properties": {
    "from": {"type": "number"}, "to": {"type": "number"}, "step": {"type": "number"}, "factor": {"type": "number"}}},
  "keys": {"type": "array", "items": {"type": "string"}}, "rows": {"type": "array", "items": {"type": "array"}}}}})";

constexpr std::size_t at(int i) { return static_cast<std::size_t>(i); }

/// `from`, `to` and one of `step` and `factor`: arithmetic or geometric.
struct RangeFields {
  double from = 0;
  double to = 0;
  std::optional<double> step;
  std::optional<double> factor;
};
template <class Visitor>
void fields(Visitor& v, RangeFields& c) {
  v.field("from", c.from, required("first value"));
  v.field("to", c.to, required("last value, itself included when a step meets it"));
  v.field("step", c.step, defaulted("added each time").range(1e-12, 1e12));
  v.field("factor", c.factor, defaulted("multiplied each time").range(1 + 1e-9, 1e6));
}

std::vector<std::vector<std::string>> range_rows(const ConfigNode& node, const std::string& path) {
  RangeFields range;
  Decoder::decode_struct(node, path, range);
  if (range.step.has_value() == range.factor.has_value())
    config_error(node, path, "one of step and factor is needed, allowed: exactly one");
  if (range.to < range.from || (range.factor && range.from <= 0)) {
    config_error(node, path, fmt::format("{} to {} is empty, allowed: from <= to, and from > 0 with a factor", range.from, range.to));
  }
  std::vector<std::vector<std::string>> rows;
  for (int i = 0; rows.size() < 100000; ++i) {
    const double value = range.step ? range.from + i * *range.step : range.from * std::pow(*range.factor, i);
    if (value > range.to * (1 + 1e-12)) break;
    rows.push_back({fmt::format("{:.12g}", value)});
  }
  return rows;
}

std::string scalar(const ConfigNode& node, const std::string& path) {
  if (node.kind != ConfigNode::Kind::scalar) config_error(node, path, "a single value is expected");
  return node.text;
}

std::vector<std::vector<std::string>> listed_rows(const ConfigNode& node, const std::string& path, std::size_t width, bool nested) {
  if (node.kind != ConfigNode::Kind::sequence || node.items.empty()) config_error(node, path, "a list of at least one entry is expected");
  std::vector<std::vector<std::string>> rows;
  for (const ConfigNode& item : node.items) {
    std::vector<std::string> row;
    if (!nested) {
      row.push_back(scalar(item, path));
    } else {
      for (const ConfigNode& value : item.items) row.push_back(scalar(value, path));
    }
    if (row.size() != width) config_error(item, path, fmt::format("{} values in a row, allowed: {}, one for each key", row.size(), width));
    if (std::find(rows.begin(), rows.end(), row) != rows.end()) config_error(item, path, "entry given twice, allowed once");
    rows.push_back(std::move(row));
  }
  return rows;
}

SpaceParameter decode_parameter(const ConfigNode& node, const std::string& path) {
  SpaceParameter parameter;
  Decoder decoder(node, path);
  FieldInfo optional = defaulted("");
  const ConfigNode* key = decoder.raw("key", optional);
  const ConfigNode* values = decoder.raw("values", optional);
  const ConfigNode* range = decoder.raw("range", optional);
  const ConfigNode* keys = decoder.raw("keys", optional);
  const ConfigNode* rows = decoder.raw("rows", optional);
  decoder.finish();
  if (keys != nullptr && rows != nullptr && key == nullptr && values == nullptr && range == nullptr) {
    if (keys->kind != ConfigNode::Kind::sequence || keys->items.empty()) config_error(*keys, path + ".keys", "a list of keys is expected");
    for (const ConfigNode& item : keys->items) parameter.keys.push_back(scalar(item, path + ".keys"));
    parameter.rows = listed_rows(*rows, path + ".rows", parameter.keys.size(), true);
  } else if (key != nullptr && keys == nullptr && rows == nullptr && (values != nullptr) != (range != nullptr)) {
    parameter.keys = {scalar(*key, path + ".key")};
    parameter.rows = range != nullptr ? range_rows(*range, path + ".range") : listed_rows(*values, path + ".values", 1, false);
  } else {
    config_error(node, path, "allowed: key with values, key with range, or keys with rows");
  }
  return parameter;
}

void check_space(const ConfigNode& node, const DesignSpace& space) {
  if (space.workloads.empty()) config_error(node, "space.workloads", "the list is empty, allowed: at least one workload");
  if (space.objectives.empty()) config_error(node, "space.objectives", "the list is empty, allowed: at least one metric");
  if (space.dataflow != "data_centric" && space.dataflow != "compute_centric") {
    config_error(*node.find("dataflow"), "space.dataflow", "'" + space.dataflow + "' is not known, allowed: data_centric, compute_centric");
  }
  const bool several = space.objectives.size() > 1;
  if (space.search.method == SpaceMethod::nsga2 && (!several || space.search.population % 4 != 0)) {
    config_error(*node.find("search"), "space.search", "nsga2 needs at least two objectives and a population that is a multiple of 4");
  }
  if (space.search.method == SpaceMethod::ant_colony && several) {
    config_error(*node.find("search"), "space.search", "ant_colony takes one objective, allowed for several: exhaustive, nsga2");
  }
  std::vector<std::string> keys;
  for (const auto& parameter : space.parameters) {
    for (const auto& key : parameter.keys) {
      if (std::find(keys.begin(), keys.end(), key) != keys.end()) {
        config_error(*node.find("parameters"), "space.parameters", "'" + key + "' is varied twice, allowed once");
      }
      keys.push_back(key);
    }
  }
}

}  // namespace

template <class Visitor>
void fields(Visitor& v, DesignSpace& c) {
  v.field("name", c.name, required("name of the space"));
  v.field("system", c.system, required("system file that the parameters change, relative to this one"));
  v.field("longest_context", c.longest_context, defaulted("KV caches are allocated for it").range(1, 1 << 24).in("token"));
  v.field("dataflow", c.dataflow, defaulted("rule of the dataflow search: data_centric or compute_centric"));
  v.sections("workloads", c.workloads, required("what devices are judged on"));
  v.sections("constraints", c.constraints, defaulted("what a device may not exceed"));
  v.field("objectives", c.objectives, required("metrics to minimise"));
  v.field("lm_head", c.lm_head, defaulted("the metrics count the LM head; false: the decoder layers alone, as published"));
  v.field("stack", c.stack, defaulted("package of the devices (configs/stack/), relative to this file: for max_junction_c"));
  v.field("ambient_c", c.ambient_c, defaulted("temperature of its ambient").range(-100, 200).in("C"));
  v.field("allow_illegal", c.allow_illegal, defaulted("judge devices too whose PEs are larger than the published area limits"));
  v.section("search", c.search, defaulted("how to search"));
  v.section("cycles", c.cycles, defaulted("the cycle tier"));
  const ConfigNode* parameters = v.raw("parameters", required("what is varied; may be empty").shaped(parameter_shape, parameter_json));
  if (parameters == nullptr) return;
  if (parameters->kind != ConfigNode::Kind::sequence) config_error(*parameters, "space.parameters", "a list is expected");
  for (std::size_t i = 0; i < parameters->items.size(); ++i) {
    c.parameters.push_back(decode_parameter(parameters->items[i], fmt::format("space.parameters[{}]", i)));
  }
}
template void fields(Decoder& v, DesignSpace& c);
template void fields(Describer& v, DesignSpace& c);

DesignSpace decode_space(const ConfigNode& node) {
  auto space = decode_document<DesignSpace>(node, "space", "bondsim.space/1");
  check_space(node, space);
  named_file(*node.find("system"), "space.system");
  if (!space.stack.empty()) named_file(*node.find("stack"), "space.stack");
  const std::vector<ConfigNode>& workloads = node.find("workloads")->items;
  for (std::size_t i = 0; i < workloads.size(); ++i) {
    for (const char* key : {"model", "workload"}) named_file(*workloads[i].find(key), fmt::format("space.workloads[{}].{}", i, key));
  }
  space.directory = directory_of(node);
  space.description = canonical_text(node, "space");
  return space;
}

std::int64_t DesignSpace::size() const {
  std::int64_t product = 1;
  for (const auto& parameter : parameters) {
    const auto rows = static_cast<std::int64_t>(parameter.rows.size());
    if (product > (std::int64_t{1} << 50) / rows) return std::int64_t{1} << 50;
    product *= rows;
  }
  return product;
}

Candidate DesignSpace::candidate(std::int64_t index) const {
  Candidate candidate(parameters.size());
  for (std::size_t i = parameters.size(); i-- > 0;) {
    const auto rows = static_cast<std::int64_t>(parameters[i].rows.size());
    candidate[i] = static_cast<int>(index % rows);
    index /= rows;
  }
  return candidate;
}

std::optional<Candidate> DesignSpace::candidate(const std::string& text) const {
  Candidate candidate;
  std::string read;
  for (const SpaceParameter& parameter : parameters) {
    std::string longest;
    int found = -1;
    for (std::size_t row = 0; row < parameter.rows.size(); ++row) {
      std::string here = read;
      for (std::size_t k = 0; k < parameter.keys.size(); ++k) {
        here += (here.empty() ? "" : " ") + parameter.keys[k] + "=" + parameter.rows[row][k];
      }
      if (text.compare(0, here.size(), here) != 0 || (text.size() > here.size() && text[here.size()] != ' ')) continue;
      found = static_cast<int>(row);
      longest = here;
    }
    if (found < 0) return std::nullopt;
    candidate.push_back(found);
    read = longest;
  }
  if (read.size() != text.size()) return std::nullopt;
  return candidate;
}

std::vector<std::pair<std::string, std::string>> DesignSpace::settings(const Candidate& candidate) const {
  std::vector<std::pair<std::string, std::string>> settings;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto& row = parameters[i].rows[at(candidate[i])];
    for (std::size_t k = 0; k < row.size(); ++k) settings.emplace_back(parameters[i].keys[k], row[k]);
  }
  return settings;
}

std::string DesignSpace::text(const Candidate& candidate) const {
  std::string text;
  for (const auto& [key, value] : settings(candidate)) text += (text.empty() ? "" : " ") + key + "=" + value;
  return text;
}

}  // namespace bondsim::search
