#include "models/base/named_file.hpp"

#include <filesystem>

#include "models/base/input_file.hpp"

namespace bondsim {

void require_readable(const ConfigNode& value, const std::string& key_path, const std::string& file, const std::string& expected) {
  if (const std::string problem = input_problem(file, expected); !problem.empty()) {
    config_error(value, key_path, problem + ": '" + file + "' (paths are relative to the file that names them)");
  }
}

std::string named_file(const ConfigNode& value, const std::string& key_path, const std::string& expected) {
  std::string file = (std::filesystem::path(directory_of(value)) / value.text).lexically_normal().string();
  require_readable(value, key_path, file, expected);
  return file;
}

}  // namespace bondsim
