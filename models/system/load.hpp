#pragma once
#include <string>
#include <vector>

#include "models/system/system.hpp"

namespace bondsim {

/// Where `key` of `node` names a file (relative to the file that says so), puts the file's content in its place, checks and removes its
/// `schema`, and appends the path to `files`. A section written in place is left as it is.
/// @throws ConfigError when the file cannot be read or is of another schema.
void resolve_reference(ConfigNode& node, const std::string& path, const std::string& key, const std::string& schema,
                       std::vector<std::string>& files);

/// Puts the files a system refers to in their places (dram, energy).
void resolve_system(ConfigNode& node, const std::string& path, std::vector<std::string>& files);

/// Decodes and checks a resolved system. @throws ConfigError.
System decode_system(const ConfigNode& node, const std::string& path);

}  // namespace bondsim
