#include "models/base/yaml_builder.hpp"

#include <yaml-cpp/mark.h>

#include <utility>

namespace bondsim {

ConfigNode YamlBuilder::node(ConfigNode::Kind kind, const YAML::Mark& mark) const {
  ConfigNode out;
  out.kind = kind;
  out.file = file_;
  out.line = mark.line + 1;
  return out;
}

void YamlBuilder::OnDocumentStart(const YAML::Mark& mark) {
  if (begun_) fail(mark.line + 1, "a second document begins here, allowed: one, the keys of a section in one column");
  begun_ = true;
}

void YamlBuilder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) { add(node(ConfigNode::Kind::null, mark), anchor); }

void YamlBuilder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) {
  ConfigNode scalar = node(ConfigNode::Kind::scalar, mark);
  scalar.text = value;
  scalar.quoted = tag == "!";
  add(std::move(scalar), anchor);
}

void YamlBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  const auto found = anchored_.find(anchor);
  if (found == anchored_.end()) fail(mark.line + 1, "an alias of a value that it is part of, allowed: of a value that ends before it");
  charge(found->second, open_.size(), mark.line + 1);
  add(found->second, 0);
}

void YamlBuilder::OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) {
  open(ConfigNode::Kind::sequence, mark, anchor);
}

void YamlBuilder::OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) {
  open(ConfigNode::Kind::map, mark, anchor);
}

void YamlBuilder::open(ConfigNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
  if (open_.size() == max_yaml_depth) fail(mark.line + 1, fmt::format("nested deeper than {} levels", max_yaml_depth));
  open_.emplace_back();
  open_.back().node = node(kind, mark);
  open_.back().anchor = anchor;
}

void YamlBuilder::close() {
  Open done = std::move(open_.back());
  open_.pop_back();
  add(std::move(done.node), done.anchor);
}

void YamlBuilder::add(ConfigNode value, YAML::anchor_t anchor) {
  if (anchor != 0) {
    charge(value, open_.size(), value.line);
    anchored_[anchor] = value;
  }
  if (open_.empty()) {
    root_ = std::move(value);
    return;
  }
  Open& around = open_.back();
  if (around.node.kind == ConfigNode::Kind::sequence) {
    around.node.items.push_back(std::move(value));
  } else if (!around.key) {
    add_key(value);
  } else {
    value.line = around.key_line;
    around.node.entries.emplace_back(std::move(*around.key), std::move(value));
    around.key.reset();
  }
}

void YamlBuilder::add_key(const ConfigNode& key) {
  Open& around = open_.back();
  around.key = key.kind == ConfigNode::Kind::scalar ? key.text : "?";
  around.key_line = key.line;
  const auto [first, is_new] = around.lines.emplace(*around.key, key.line);
  if (!is_new) fail(key.line, fmt::format("key given twice (first at line {}), allowed once", first->second));
}

void YamlBuilder::charge(const ConfigNode& repeated, std::size_t level, int line) {
  const bool holds_values = repeated.kind == ConfigNode::Kind::sequence || repeated.kind == ConfigNode::Kind::map;
  if (holds_values && level >= max_yaml_depth) fail(line, fmt::format("nested deeper than {} levels through an alias", max_yaml_depth));
  repeated_ += sizeof(ConfigNode) + repeated.text.size();
  if (repeated_ > max_yaml_repeated) fail(line, fmt::format("anchors and aliases repeat more than {} MiB", max_yaml_repeated >> 20));
  for (const ConfigNode& item : repeated.items) charge(item, level + 1, line);
  for (const auto& [key, value] : repeated.entries) {
    repeated_ += key.size();
    charge(value, level + 1, line);
  }
}

std::string YamlBuilder::path() const {
  std::string out;
  for (const Open& level : open_) {
    if (level.node.kind == ConfigNode::Kind::sequence) {
      out += fmt::format("[{}]", level.node.items.size());
    } else if (level.key) {
      out += (out.empty() ? "" : ".") + *level.key;
    }
  }
  return out.empty() ? "(file)" : out;
}

void YamlBuilder::fail(int line, const std::string& what) const {
  throw ConfigError(fmt::format("{}:{}: {}: {}", *file_, line, path(), what));
}

}  // namespace bondsim
