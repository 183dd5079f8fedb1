#include "tools/app/experiment/override.hpp"

#include "models/base/error.hpp"

namespace bondsim::tools {

Override parse_override(const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::size_t dot = text.find('.');
  if (equals == std::string::npos || dot == std::string::npos || dot > equals) {
    throw ConfigError("--set " + text + ": expected section.key=value, e.g. --set system.nmp.pe.fpus=4");
  }
  return {text.substr(0, dot), text.substr(dot + 1, equals - dot - 1), text.substr(equals + 1)};
}

}  // namespace bondsim::tools
