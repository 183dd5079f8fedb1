#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "models/base/error.hpp"

namespace bondsim {

/// One node of a parsed YAML file that remembers where it stands. Duplicate keys were rejected while parsing.
struct ConfigNode {
  enum class Kind { null, scalar, sequence, map };

  Kind kind = Kind::null;
  std::string text;                                         ///< scalar: the text as written
  bool quoted = false;                                      ///< scalar: written in quotes, so always a string
  std::vector<ConfigNode> items;                            ///< sequence
  std::vector<std::pair<std::string, ConfigNode>> entries;  ///< map, in file order
  std::shared_ptr<const std::string> file;                  ///< path as given, or `--set`
  int line = 0;                                             ///< 1-based; 0 where there is none (`--set`)

  const ConfigNode* find(const std::string& key) const;

  /// `file:line`, for messages.
  std::string where() const;
};

/// Parses a YAML file. @throws ConfigError when it is missing, malformed, or repeats a key.
ConfigNode load_yaml_file(const std::string& path);

/// Parses YAML text; `name` stands for the file in messages.
ConfigNode parse_yaml(const std::string& text, const std::string& name);

/// Sets `dotted.path=value` in the tree below `root`, making maps on the way; `items[2]` style indices are not supported.
/// Existence of the key is checked later by the decoder, which knows what is allowed.
/// @param assignment text after `--set`, without the section's name, e.g. `nmp.pe.fpus=4`; the value is parsed as YAML.
void apply_override(ConfigNode& root, const std::string& path, const std::string& value);

/// Directory part of the node's file, for references relative to it.
std::string directory_of(const ConfigNode& node);

/// Throws a ConfigError in the one form all messages share.
[[noreturn]] void config_error(const ConfigNode& node, const std::string& key_path, const std::string& message);

}  // namespace bondsim
