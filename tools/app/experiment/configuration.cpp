#include "tools/app/experiment/configuration.hpp"

#include <fstream>
#include <map>

namespace bondsim::tools {
namespace {

std::vector<std::string> lines_of(const std::string& file) {
  std::vector<std::string> lines;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// Comments are not part of the tree, so that no result can depend on them: they are read from the file again.
std::string comment_at(const ConfigNode& node) {
  if (!node.file || node.line <= 0) return "";
  const std::vector<std::string> lines = lines_of(*node.file);
  const auto line = static_cast<std::size_t>(node.line);
  return line <= lines.size() ? trailing_comment(lines[line - 1]) : "";
}

}  // namespace

std::string trailing_comment(const std::string& line) {
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (quote != 0) {
      if (line[i] == quote) quote = 0;
    } else if (line[i] == '"' || (line[i] == '\'' && (i == 0 || line[i - 1] == ' '))) {
      quote = line[i];
    } else if (line[i] == '#' && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t')) {
      const std::size_t begin = line.find_first_not_of(" #", i);
      if (begin == std::string::npos) return "";
      return line.substr(begin, line.find_last_not_of(" \r\t") + 1 - begin);
    }
  }
  return "";
}

FieldLister::FieldLister(std::vector<ConfigValue>& out, const ConfigNode& node, std::string path)
    : out_(out), path_(std::move(path)), nodes_{&node} {}

std::string FieldLister::source_of(const ConfigNode* node) const {
  if (node == nullptr) return "";
  if (std::string own = comment_at(*node); !own.empty() || node->line <= 0) return own;
  for (std::size_t i = nodes_.size(); i-- > 1;) {  // the outermost is the file: what it says about itself is no source of a value
    if (std::string around = comment_at(*nodes_[i]); !around.empty()) return around;
  }
  return "";
}

void FieldLister::add(const char* key, std::string value, const FieldInfo& info) {
  const ConfigNode* node = child(key);
  out_.push_back({path_.empty() ? std::string(key) : path_ + "." + key, std::move(value), info.unit, info.doc,
                  node == nullptr ? "default" : node->where(), source_of(node), ""});
}

void FieldLister::add_energy(const char* key, const EnergyEntry& entry, const FieldInfo& info) {
  const ConfigNode* node = child(key);
  if (node == nullptr) return;  // an action the table leaves out costs nothing
  out_.push_back({path_ + "." + key, fmt::format("{}", entry.value), entry.unit, info.doc + ": " + entry.boundary, node->where(),
                  entry.source, enum_name(entry.confidence)});
}

void list_tree(std::vector<ConfigValue>& out, const ConfigNode& node, const std::string& path) {
  switch (node.kind) {
    case ConfigNode::Kind::null:
      return;
    case ConfigNode::Kind::scalar:
      out.push_back({path, node.text, "", "", node.where(), comment_at(node), ""});
      return;
    case ConfigNode::Kind::sequence:
      for (std::size_t i = 0; i < node.items.size(); ++i) list_tree(out, node.items[i], fmt::format("{}[{}]", path, i));
      return;
    case ConfigNode::Kind::map:
      for (const auto& [key, value] : node.entries) {
        if (key != "schema") list_tree(out, value, path + "." + key);
      }
      return;
  }
}

}  // namespace bondsim::tools
