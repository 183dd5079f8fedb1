#include "models/base/schema.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace bondsim {
namespace {

using Json = nlohmann::ordered_json;
using Type = SchemaKey::Type;

std::string range_text(const FieldInfo& info) {
  const bool low = !std::isinf(info.min);
  const bool high = !std::isinf(info.max);
  if (low && high) return fmt::format(", {} to {}", info.min, info.max);
  if (low) return fmt::format(", at least {}", info.min);
  return high ? fmt::format(", at most {}", info.max) : std::string();
}

void put_keys(std::string& out, const std::vector<SchemaKey>& keys, const std::string& path) {
  for (const SchemaKey& k : keys) {
    const std::string name = path + k.key + (k.type == Type::section && k.lists > 0 ? "[]" : "");
    const std::string need = !k.info.optional ? "required" : k.absent || k.type == Type::section ? "optional" : "default " + k.fallback;
    out += fmt::format("{:<44} {}; {}\n{:<44}   {}\n", name, allowed_text(k), need, "", k.info.doc);
    if (k.type == Type::section) put_keys(out, k.keys, name + ".");
  }
}

Json keys_json(const std::vector<SchemaKey>& keys);

Json value_json(const SchemaKey& k) {
  Json value;
  switch (k.type) {
    case Type::boolean:
      return {{"type", "boolean"}};
    case Type::integer:
    case Type::number:
      value["type"] = k.type == Type::integer ? "integer" : "number";
      if (!std::isinf(k.info.min)) value["minimum"] = k.info.min;
      if (!std::isinf(k.info.max)) value["maximum"] = k.info.max;
      return value;
    case Type::choice:
      return {{"enum", k.names}};
    case Type::section:
      return keys_json(k.keys);
    case Type::raw:
      return Json::parse(k.info.json);
    default:
      // A name may look like a number: it is read as it is written.
      return {{"type", {"string", "number", "boolean"}}};
  }
}

Json key_json(const SchemaKey& k) {
  Json value = value_json(k);
  for (int i = 0; i < k.lists; ++i) value = {{"type", "array"}, {"items", std::move(value)}};
  if (k.info.file) value = {{"anyOf", {{{"type", "string"}}, std::move(value)}}};
  if (k.absent) value = {{"anyOf", {{{"type", "null"}}, std::move(value)}}};
  value["description"] = k.info.doc + (k.info.unit.empty() ? "" : " (" + k.info.unit + ")");
  if (!k.fallback.empty() && k.lists == 0) {
    const bool text = k.type == Type::text || k.type == Type::choice;
    value["default"] = text ? Json(k.fallback) : Json::parse(k.fallback);
  }
  return value;
}

Json keys_json(const std::vector<SchemaKey>& keys) {
  Json out = {{"type", "object"}, {"additionalProperties", false}, {"properties", Json::object()}};
  for (const SchemaKey& k : keys) {
    out["properties"][k.key] = key_json(k);
    if (!k.info.optional) out["required"].push_back(k.key);
  }
  return out;
}

std::string quoted(const std::string& text) { return Json(text).dump(); }

/// A value in flow form. Texts that a reader could take for something else are quoted.
std::string flow(const ConfigNode& node) {
  std::string out;
  switch (node.kind) {
    case ConfigNode::Kind::scalar:
      return node.quoted || node.text.empty() || node.text.find_first_of(":#,[]{}\"'&*!|>%@`") != std::string::npos ? quoted(node.text)
                                                                                                                    : node.text;
    case ConfigNode::Kind::sequence:
      for (const ConfigNode& item : node.items) out += (out.empty() ? "" : ", ") + flow(item);
      return "[" + out + "]";
    case ConfigNode::Kind::map:
      for (const auto& [key, value] : node.entries) out += (out.empty() ? "" : ", ") + key + ": " + flow(value);
      return "{" + out + "}";
    default:
      return "null";
  }
}

std::string comment(const SchemaKey& k) {
  const std::string need = !k.info.optional ? "required" : k.fallback.empty() ? "optional" : "default " + k.fallback;
  return "# " + k.info.doc + "; " + allowed_text(k) + "; " + need;
}

void put_yaml(std::string& out, const std::vector<SchemaKey>& keys, const ConfigNode* node, const std::string& indent);

void put_list(std::string& out, const SchemaKey& k, const ConfigNode& list, const std::string& indent) {
  out += fmt::format("{}{}:  {}\n", indent, k.key, comment(k));
  for (const SchemaKey& inner : k.keys) out += fmt::format("{}  # {}: {}\n", indent, inner.key, comment(inner).substr(2));
  for (const ConfigNode& item : list.items) out += fmt::format("{}  - {}\n", indent, flow(item));
}

/// Left out, a section with keys that must be given cannot be written with its defaults.
bool has_defaults(const SchemaKey& k) {
  return k.info.optional && !k.absent &&
         std::all_of(k.keys.begin(), k.keys.end(), [](const SchemaKey& each) { return each.info.optional; });
}

void put_key(std::string& out, const SchemaKey& k, const ConfigNode* value, const std::string& indent) {
  if (value == nullptr && !has_defaults(k)) {
    out += fmt::format("{}# {}:  {}\n", indent, k.key, comment(k).substr(2));
  } else if (k.type == Type::section && k.lists > 0) {
    put_list(out, k, *value, indent);
  } else if (k.type == Type::section && (value == nullptr || value->kind == ConfigNode::Kind::map)) {
    out += fmt::format("{}{}:  # {}\n", indent, k.key, k.info.doc);
    put_yaml(out, k.keys, value, indent + "  ");
  } else {
    const std::string line = fmt::format("{}{}: {}", indent, k.key, value == nullptr ? k.fallback : flow(*value));
    out += fmt::format("{:<34}  {}\n", line, comment(k));
  }
}

void put_yaml(std::string& out, const std::vector<SchemaKey>& keys, const ConfigNode* node, const std::string& indent) {
  for (const SchemaKey& k : keys) put_key(out, k, node == nullptr ? nullptr : node->find(k.key), indent);
}

}  // namespace

std::string allowed_text(const SchemaKey& k) {
  const std::string unit = k.info.unit.empty() ? "" : " " + k.info.unit;
  std::string out;
  switch (k.type) {
    case Type::boolean:
      out = "true or false";
      break;
    case Type::integer:
      out = "whole number" + range_text(k.info) + unit;
      break;
    case Type::number:
      out = "number" + range_text(k.info) + unit;
      break;
    case Type::choice:
      out = fmt::format("{}", fmt::join(k.names, " | "));
      break;
    case Type::section:
      out = k.info.file ? "section or file" : "section";
      break;
    case Type::raw:
      out = k.info.shape;
      break;
    default:
      out = "text";
  }
  for (int i = 0; i < k.lists; ++i) out = "list of " + out;
  return out;
}

std::string schema_text(const Schema& schema) {
  std::string out = fmt::format("{} files: {}\n{:<44} {}\n", schema.name, schema.about, "schema", schema.tag + "; required");
  put_keys(out, schema.keys, "");
  return out;
}

std::string schema_json(const Schema& schema) {
  Json out = {{"$schema", "http://json-schema.org/draft-07/schema#"}, {"title", schema.tag}, {"description", schema.about}};
  Json keys = keys_json(schema.keys);
  Json properties = {{"schema", {{"const", schema.tag}, {"description", "format and version of the file"}}}};
  properties.update(keys["properties"]);
  keys["properties"] = properties;
  Json required = {"schema"};
  for (const auto& key : keys["required"]) required.push_back(key);
  keys["required"] = required;
  out.update(keys);
  return out.dump(2) + "\n";
}

std::string commented_yaml(const Schema& schema, const ConfigNode& node, const std::string& heading) {
  std::string out = fmt::format("# {}\n# What a key may be is said behind it; `bondsim schema {}` lists all keys.\nschema: {}\n", heading,
                                schema.name, schema.tag);
  put_yaml(out, schema.keys, &node, "");
  return out;
}

}  // namespace bondsim
