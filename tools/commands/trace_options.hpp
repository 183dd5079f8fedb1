#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/simulate.hpp"
#include "sim/trace/commands.hpp"
#include "sim/trace/dram_power.hpp"
#include "sim/trace/perfetto.hpp"
#include "sim/trace/power.hpp"
#include "sim/trace/tasks.hpp"
#include "sim/trace/vcd.hpp"
#include "tools/commands/commands.hpp"

namespace bondsim::tools {

/// A window of time as typed: FROM:TO in ns, either may be missing. @throws ConfigError naming the option.
TraceWindow time_window(const std::string& option, const std::string& text);

/// --trace and what belongs to it, shared by the commands that simulate.
struct TraceOptions {
  std::vector<std::string> kinds;
  bool gzip = false;
  std::string window_ns;  ///< FROM:TO, either may be missing; empty: the whole run
  std::string steps;      ///< FIRST:LAST
  double power_ns = 0;    ///< intervals of power.csv; 0: none
  std::string power_by = "unit";

  bool has(const std::string& kind) const;
  /// @throws ConfigError when the window is none.
  TraceWindow window() const;
};

/// @param kinds what this command can write, of: commands, drampower, hbmpower, tasks, perfetto, vcd
void add_trace_options(Command& command, TraceOptions& options, const std::vector<std::string>& kinds);

/// --power INTERVAL and --power-by.
void add_power_option(Command& command, TraceOptions& options);

/// The traces of one run of a schedule, written into a directory that its OutputDirectory puts in place.
class RunTraces {
 public:
  /// @param system must outlive the traces. @param directory exists. @throws ConfigError
  RunTraces(const TraceOptions& options, const System& system, const std::string& directory);

  void attach(SimulateOptions& options);
  /// Ends the files. @throws ConfigError
  void finish();

 private:
  bool any_ = false;
  TraceHub hub_;
  std::optional<CommandTraceWriter> commands_;
  std::optional<PowerTraceWriter> drampower_;
  std::optional<PowerTraceWriter> hbmpower_;
  std::optional<TaskTraceWriter> tasks_;
  std::optional<PerfettoWriter> perfetto_;
  std::optional<VcdWriter> vcd_;
  std::optional<PowerWriter> power_;
};

}  // namespace bondsim::tools
