#pragma once
#include <string>
#include <vector>

#include "models/system/load.hpp"
#include "tests/support/paths.hpp"

namespace bondsim::test {

inline std::string config_path(const std::string& relative) { return bondsim::tests::source_dir() + "/configs/" + relative; }

inline System shipped_system(const std::string& name) {
  ConfigNode node = load_yaml_file(config_path("system/" + name + ".yaml"));
  std::vector<std::string> files;
  resolve_system(node, "system", files);
  return decode_system(node, "system");
}

}  // namespace bondsim::test
