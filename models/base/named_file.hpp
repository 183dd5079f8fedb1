#pragma once
#include <string>

#include "models/base/config_node.hpp"

namespace bondsim {

/// The path of the file that a key's value names, relative to the file that the value stands in.
/// @throws ConfigError at the value when there is no such file, or it cannot be read
std::string named_file(const ConfigNode& value, const std::string& key_path, const std::string& expected = "a YAML file");

/// @throws ConfigError at the value when the file, which it names, cannot be read
void require_readable(const ConfigNode& value, const std::string& key_path, const std::string& file, const std::string& expected);

}  // namespace bondsim
