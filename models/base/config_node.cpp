#include "models/base/config_node.hpp"

#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace bondsim {
namespace {

using File = std::shared_ptr<const std::string>;

ConfigNode convert(const YAML::Node& node, const File& file, const std::string& path) {
  ConfigNode out;
  out.file = file;
  out.line = node.Mark().line + 1;
  switch (node.Type()) {
    case YAML::NodeType::Null:
    case YAML::NodeType::Undefined:
      break;
    case YAML::NodeType::Scalar:
      out.kind = ConfigNode::Kind::scalar;
      out.text = node.Scalar();
      out.quoted = node.Tag() == "!";
      break;
    case YAML::NodeType::Sequence:
      out.kind = ConfigNode::Kind::sequence;
      for (const auto& item : node) out.items.push_back(convert(item, file, fmt::format("{}[{}]", path, out.items.size())));
      break;
    case YAML::NodeType::Map:
      out.kind = ConfigNode::Kind::map;
      for (const auto& entry : node) {
        const auto key = entry.first.IsScalar() ? entry.first.Scalar() : std::string("?");
        const auto key_path = path.empty() ? key : path + "." + key;
        if (const ConfigNode* first = out.find(key)) {
          throw ConfigError(fmt::format("{}:{}: {}: key given twice (first at line {}), allowed once", *file, entry.first.Mark().line + 1,
                                        key_path, first->line));
        }
        out.entries.emplace_back(key, convert(entry.second, file, key_path));
        out.entries.back().second.line = entry.first.Mark().line + 1;
      }
      break;
  }
  return out;
}

}  // namespace

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
  try {
    const YAML::Node node = YAML::Load(text);
    return convert(node, file, "");
  } catch (const YAML::Exception& e) {
    throw ConfigError(fmt::format("{}:{}: not valid YAML: {}", name, e.mark.line + 1, e.msg));
  }
}

ConfigNode load_yaml_file(const std::string& path) {
  std::error_code ec;
  if (std::filesystem::is_directory(path, ec)) throw ConfigError(fmt::format("{}: is a directory, a YAML file is expected", path));
  std::ifstream in(path, std::ios::binary);
  if (!in) throw ConfigError(fmt::format("{}: no such file, or it cannot be read", path));
  std::ostringstream text;
  text << in.rdbuf();
  return parse_yaml(text.str(), path);
}

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
  ConfigNode parsed = parse_yaml(value, "--set " + path + "=" + value);
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
