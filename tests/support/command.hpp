#pragma once
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/support/paths.hpp"

/// Running the bondsim binary as a user does.
namespace bondsim::test {

struct CommandResult {
  int status = -1;
  std::string output;  ///< standard output and standard error together
  double seconds = 0;
};

/// @param arguments as typed in a shell; the working directory is the source tree.
inline CommandResult bondsim_command(const std::string& arguments) {
  const auto began = std::chrono::steady_clock::now();
  const std::string line = "cd '" + bondsim::tests::source_dir() + "' && '" + bondsim::tests::binary() + "' " + arguments + " 2>&1";
  CommandResult result;
  FILE* pipe = ::popen(line.c_str(), "r");
  if (pipe == nullptr) return result;
  std::array<char, 4096> buffer{};
  std::size_t n = 0;
  while ((n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0) result.output.append(buffer.data(), n);
  const int status = ::pclose(pipe);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  return result;
}

/// A directory of its own that is removed at the end.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    static int made = 0;
    path_ = std::filesystem::temp_directory_path() / ("bondsim-test-" + std::to_string(::getpid()) + "-" + std::to_string(made++));
    std::filesystem::create_directories(path_);
  }
  ~ScratchDirectory() { std::filesystem::remove_all(path_); }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  std::string file(const std::string& name) const { return (path_ / name).string(); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name) << text;
    return file(name);
  }

 private:
  std::filesystem::path path_;
};

inline std::string file_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace bondsim::test
