#include "models/base/fields.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>

#include "models/base/nearest.hpp"

namespace bondsim {
namespace {

const char* kind_name(const ConfigNode& node) {
  switch (node.kind) {
    case ConfigNode::Kind::null:
      return "nothing";
    case ConfigNode::Kind::scalar:
      return "a single value";
    case ConfigNode::Kind::sequence:
      return "a list";
    case ConfigNode::Kind::map:
      return "a section";
  }
  return "?";
}

void require_scalar(const ConfigNode& node, const std::string& path, const char* expected) {
  if (node.kind != ConfigNode::Kind::scalar) {
    config_error(node, path, fmt::format("{} found, {} is expected", kind_name(node), expected));
  }
}

bool has_leading_zero(const std::string& text) {
  const std::size_t first = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  return text.size() > first + 1 && text[first] == '0' && text[first + 1] >= '0' && text[first + 1] <= '9';
}

}  // namespace

std::int64_t parse_integer(const ConfigNode& node, const std::string& path) {
  require_scalar(node, path, "a whole number");
  const std::string& text = node.text;
  std::size_t used = 0;
  std::int64_t value = 0;
  try {
    value = std::stoll(text, &used, 10);
  } catch (const std::exception&) {
    used = 0;
  }
  if (node.quoted || used == 0 || used != text.size() || text[0] == ' ' || has_leading_zero(text)) {
    config_error(node, path, "'" + text + "' is not a whole number in decimal notation");
  }
  return value;
}

double parse_number(const ConfigNode& node, const std::string& path) {
  require_scalar(node, path, "a number");
  const std::string& text = node.text;
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  const bool plain = text.find_first_not_of("+-.0123456789eE") == std::string::npos;
  if (node.quoted || text.empty() || !plain || end != text.c_str() + text.size() || !std::isfinite(value) || has_leading_zero(text)) {
    config_error(node, path, "'" + text + "' is not a number in decimal notation (units belong to the key, not the value)");
  }
  return value;
}

bool parse_bool(const ConfigNode& node, const std::string& path) {
  require_scalar(node, path, "true or false");
  if (!node.quoted && node.text == "true") return true;
  if (!node.quoted && node.text == "false") return false;
  config_error(node, path, "'" + node.text + "' is not known, allowed: true, false");
}

std::string parse_string(const ConfigNode& node, const std::string& path) {
  require_scalar(node, path, "a name");
  return node.text;
}

Decoder::Decoder(const ConfigNode& node, std::string path) : node_(node), path_(std::move(path)) {
  if (node.kind != ConfigNode::Kind::map) {
    config_error(node, path_.empty() ? "(file)" : path_, fmt::format("{} found, a section of keys is expected", kind_name(node)));
  }
}

const ConfigNode* Decoder::take(const char* key, bool optional) {
  known_.emplace_back(key);
  const ConfigNode* child = node_.find(key);
  if (child == nullptr && !optional) config_error(node_, path_of(key), "missing, this key is required");
  return child;
}

void Decoder::check_range(const ConfigNode& node, const std::string& path, double value, const FieldInfo& info) {
  if (value >= info.min && value <= info.max) return;
  std::string allowed;
  if (std::isinf(info.max)) {
    allowed = fmt::format("at least {}", info.min);
  } else {
    allowed = fmt::format("{} to {}", info.min, info.max);
  }
  config_error(node, path, fmt::format("{}{} is out of range, allowed: {}", node.text, info.unit.empty() ? "" : " " + info.unit, allowed));
}

void Decoder::finish() const {
  for (const auto& entry : node_.entries) {
    if (std::find(known_.begin(), known_.end(), entry.first) != known_.end()) continue;
    config_error(entry.second, path_of(entry.first),
                 fmt::format("unknown key{}, allowed: {}", did_you_mean(entry.first, known_), fmt::join(known_, ", ")));
  }
}

}  // namespace bondsim
