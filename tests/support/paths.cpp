#include "tests/support/paths.hpp"

namespace bondsim::tests {

const std::string& source_dir() {
  static const std::string path = BONDSIM_SOURCE_DIR;
  return path;
}

const std::string& build_dir() {
  static const std::string path = BONDSIM_BUILD_DIR;
  return path;
}

const std::string& binary() {
  static const std::string path = BONDSIM_BINARY;
  return path;
}

}  // namespace bondsim::tests
