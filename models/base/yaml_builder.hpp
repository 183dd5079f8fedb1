#pragma once
#include <yaml-cpp/eventhandler.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "models/base/config_node.hpp"

namespace bondsim {

/// Levels of lists and sections in each other.
constexpr std::size_t max_yaml_depth = 100;
/// Bytes that anchors and their aliases may repeat, each value counted with its own size.
constexpr std::size_t max_yaml_repeated = std::size_t{16} << 20;

/// Makes the tree of a YAML document from the parser's events, so that no text of a file makes a tree without end or beyond all measure:
/// depth and repetition by aliases are limited, keys are unique, an alias of a value around it is refused, and so is what follows the
/// document.
/// Every callback throws ConfigError with the line and the path of the key.
class YamlBuilder : public YAML::EventHandler {
 public:
  explicit YamlBuilder(std::shared_ptr<const std::string> file) : file_(std::move(file)) {}
  ConfigNode take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override;
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) override;
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) override;
  void OnMapEnd() override { close(); }

 private:
  /// A list or section whose end is still to come.
  struct Open {
    ConfigNode node;
    YAML::anchor_t anchor = 0;
    std::optional<std::string> key;  ///< map: read, its value is to come
    int key_line = 0;
    std::unordered_map<std::string, int> lines;  ///< map: of the keys so far
  };

  ConfigNode node(ConfigNode::Kind kind, const YAML::Mark& mark) const;
  void open(ConfigNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor);
  void close();
  void add(ConfigNode value, YAML::anchor_t anchor);
  void add_key(const ConfigNode& key);
  void charge(const ConfigNode& repeated, std::size_t level, int line);
  std::string path() const;
  [[noreturn]] void fail(int line, const std::string& what) const;

  std::shared_ptr<const std::string> file_;
  ConfigNode root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, ConfigNode> anchored_;
  std::size_t repeated_ = 0;
  bool begun_ = false;
};

}  // namespace bondsim
