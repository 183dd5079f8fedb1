#pragma once
#include <string>

#include "models/base/config_node.hpp"

namespace bondsim {

/// A resolved tree of configuration as text, one `path = value` a line in file order: comments, line numbers and file names are not part of
/// it.
std::string canonical_text(const ConfigNode& node, const std::string& path);

/// Twelve hex digits (of SHA-1) that name a text.
std::string digest(const std::string& text);
/// The same of a file's bytes, of any length. @throws ConfigError as open_input_file()
std::string file_digest(const std::string& path);

}  // namespace bondsim
