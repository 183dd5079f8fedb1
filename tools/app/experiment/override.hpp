#pragma once
#include <string>

namespace bondsim::tools {

/// A value changed from outside, `--set section.key=value`.
struct Override {
  std::string section, key, value;
};

/// @throws ConfigError for a text of another form
Override parse_override(const std::string& text);

}  // namespace bondsim::tools
