#pragma once
#include <string>

#include "sim/trace/commands.hpp"
#include "tools/commands/commands.hpp"

namespace bondsim::tools {

/// --trace commands and what belongs to it, shared by the commands that simulate.
struct TraceOptions {
  std::string kind;  ///< empty or "commands"
  bool gzip = false;
  double from_ns = 0;
  double to_ns = 0;  ///< 0: to the end

  bool commands() const { return kind == "commands"; }
  /// @throws ConfigError when the window is empty.
  CommandTraceOptions to(const std::string& directory) const;
};

void add_trace_options(CLI::App& command, TraceOptions& options);

}  // namespace bondsim::tools
