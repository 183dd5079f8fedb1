#include "tools/commands/trace_options.hpp"

#include <cmath>

#include "models/base/error.hpp"

namespace bondsim::tools {

CommandTraceOptions TraceOptions::to(const std::string& directory) const {
  CommandTraceOptions options;
  options.directory = directory;
  options.gzip = gzip;
  options.from = Picoseconds(std::llround(from_ns * 1000.0));
  if (to_ns > 0) options.to = Picoseconds(std::llround(to_ns * 1000.0));
  if (options.to <= options.from) throw ConfigError(fmt::format("--trace-to {}: the window is empty, allowed: above {}", to_ns, from_ns));
  return options;
}

void add_trace_options(CLI::App& command, TraceOptions& options) {
  auto* trace = command.add_option("--trace", options.kind, "write every DRAM command to channel-<id>.commands.csv in the --out directory")
                    ->check(CLI::IsMember({"commands"}));
  trace->needs("--out");
  command.add_flag("--trace-gzip", options.gzip, "compress the traces")->needs(trace);
  command.add_option("--trace-from", options.from_ns, "leave out commands before this time in ns")
      ->needs(trace)
      ->check(CLI::Range(0.0, 9e15));
  command.add_option("--trace-to", options.to_ns, "and from this time in ns on")->needs(trace)->check(CLI::Range(0.0, 9e15));
}

}  // namespace bondsim::tools
