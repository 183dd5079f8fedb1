#include "tools/app/validation/validation_plot.hpp"

#include <sys/wait.h>

#include <cstdio>
#include <filesystem>

#include "models/base/error.hpp"
#include "tools/app/experiment/shipped.hpp"

namespace bondsim::tools {
namespace {

namespace fs = std::filesystem;

/// In single quotes for the shell.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

/// Runs a command. @return whether it ended with status 0; `output` is what it printed
bool succeeds(const std::string& command, std::string& output) {
  output.clear();
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return false;
  char buffer[4096];
  while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, pipe)) output.append(buffer, n);
  const int status = ::pclose(pipe);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/// The first Python that has matplotlib: another one may stand in front of Debian's, which has it as a package. Empty: there is none.
std::string python() {
  std::string output;
  for (const char* candidate : {"python3", "/usr/bin/python3"}) {
    if (succeeds(fmt::format("{} -c 'import matplotlib'", candidate), output)) return candidate;
  }
  return "";
}

std::string plot(const std::string& script_name, const std::string& directory, Plotting plotting) {
  if (plotting == Plotting::off) return "";
  const auto impossible = [&](const std::string& why) -> std::string {
    if (plotting == Plotting::required) throw ConfigError("--plot: " + why);
    return fmt::format(" (no figure: {})", why);
  };
  const fs::path script = shipped(script_name);
  const std::string interpreter = python();
  if (interpreter.empty()) return impossible("no python3 with matplotlib; Debian's package is python3-matplotlib");
  std::string output;
  if (!succeeds(fmt::format("{} {} {}", interpreter, quoted(script.string()), quoted(directory)), output)) {
    return impossible(fmt::format("{} failed: {}", script.string(), output));
  }
  return "";
}

}  // namespace

std::string plot_validation(const std::string& directory, Plotting plotting) { return plot("tools/plot_validate.py", directory, plotting); }

std::string plot_published(const std::string& directory, Plotting plotting) { return plot("tools/plot_published.py", directory, plotting); }

}  // namespace bondsim::tools
