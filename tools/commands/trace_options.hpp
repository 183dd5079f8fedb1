#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/output_directory.hpp"
#include "sim/simulate.hpp"
#include "sim/trace/commands.hpp"
#include "sim/trace/tasks.hpp"
#include "tools/commands/commands.hpp"

namespace bondsim::tools {

/// --trace and what belongs to it, shared by the commands that simulate.
struct TraceOptions {
  std::vector<std::string> kinds;
  bool gzip = false;
  std::string window;  ///< FROM:TO in ns, either may be missing; empty: the whole run

  bool has(const std::string& kind) const;
  /// @throws ConfigError when the window is none.
  CommandTraceOptions to(const std::string& directory) const;
};

/// @param kinds what this command can write, of: commands, tasks
void add_trace_options(CLI::App& command, TraceOptions& options, const std::vector<std::string>& kinds);

/// The traces of one run of a schedule: written beside the output directory while it goes on, and moved into it when it has ended.
class RunTraces {
 public:
  /// @throws ConfigError
  RunTraces(const TraceOptions& options, const System& system, const std::string& out);

  void attach(SimulateOptions& options);
  /// Ends the files and moves them into the output directory, which exists by now. @throws ConfigError
  void finish();

 private:
  std::string out_;
  std::optional<OutputDirectory> staging_;
  std::optional<CommandTraceWriter> commands_;
  std::optional<TaskTraceWriter> tasks_;
};

}  // namespace bondsim::tools
