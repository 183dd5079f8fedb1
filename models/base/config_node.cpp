#include "models/base/config_node.hpp"

#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <sstream>

#include "models/base/input_file.hpp"
#include "models/base/yaml_builder.hpp"

namespace bondsim {
const ConfigNode* ConfigNode::find(const std::string& key) const {
  for (const auto& entry : entries) {
    if (entry.first == key) return &entry.second;
  }
  return nullptr;
}

std::string ConfigNode::where() const {
  const std::string name = file ? *file : std::string("<config>");
  return line > 0 ? fmt::format("{}:{}", name, line) : name;
}

ConfigNode parse_yaml(const std::string& text, const std::string& name) {
  const auto file = std::make_shared<const std::string>(name);
  require_text(text, name);
  YamlBuilder builder(file);
  try {
    std::istringstream in(text);
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& e) {
    throw ConfigError(fmt::format("{}:{}: not valid YAML: {}", name, e.mark.line + 1, e.msg));
  }
  ConfigNode node = builder.take();
  if (!node.file) {  // no document: nothing, or comments alone
    node.file = file;
    node.line = 1;
  }
  return node;
}

ConfigNode load_yaml_file(const std::string& path) { return parse_yaml(read_input_file(path, "a YAML file", max_yaml_bytes), path); }

void apply_override(ConfigNode& root, const std::string& path, const std::string& value) {
  static const auto origin = std::make_shared<const std::string>("--set");
  ConfigNode* node = &root;
  std::istringstream keys(path);
  std::string key;
  while (std::getline(keys, key, '.')) {
    if (key.empty()) throw ConfigError(fmt::format("--set {}={}: empty name in the key path", path, value));
    if (node->kind != ConfigNode::Kind::map && node->kind != ConfigNode::Kind::null) {
      throw ConfigError(fmt::format("--set {}={}: nothing lies below '{}', it is not a section", path, value, key));
    }
    node->kind = ConfigNode::Kind::map;
    ConfigNode* child = nullptr;
    for (auto& entry : node->entries) {
      if (entry.first == key) child = &entry.second;
    }
    if (child == nullptr) {
      node->entries.emplace_back(key, ConfigNode{});
      child = &node->entries.back().second;
      child->file = origin;
    }
    node = child;
  }
  constexpr std::size_t shown = 60;
  const std::string begin = value.size() > shown ? fmt::format("({} bytes)", value.size()) : value;
  ConfigNode parsed = parse_yaml(value, "--set " + path + "=" + begin);
  parsed.line = 0;
  *node = std::move(parsed);
}

std::string directory_of(const ConfigNode& node) {
  return node.file ? std::filesystem::path(*node.file).parent_path().string() : std::string();
}

void config_error(const ConfigNode& node, const std::string& key_path, const std::string& message) {
  throw ConfigError(fmt::format("{}: {}: {}", node.where(), key_path, message));
}

}  // namespace bondsim
