#include <optional>

#include "mapping/serving/requests/trace_reader.hpp"
#include "models/dram/check/trace_checker.hpp"
#include "models/dram/spec/address_map.hpp"
#include "models/system/load.hpp"
#include "sim/trace/commands.hpp"
#include "sim/trace/requests.hpp"
#include "sim/trace/summary.hpp"
#include "tests/fuzz/targets.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/shipped_system.hpp"

namespace bondsim::fuzz {
namespace {

/// Room that a window of a trace takes.
TraceWindow short_window() {
  TraceWindow window;
  window.from = Picoseconds(1000);
  window.to = Picoseconds(1'000'000);
  return window;
}

}  // namespace

/// The file's own format, and every other one: `--requests` takes what `source` says.
void read_request_trace(const std::string& input) {
  using serving::TraceFormat;
  const MemoryFile file(input);
  for (const auto& entry : enum_names<TraceFormat>) {
    if (entry.second == TraceFormat::made) continue;
    try {
      const auto reader = serving::open_trace(entry.second, file.path());
      while (reader->next()) {
      }
    } catch (const ConfigError&) {
    }
  }
  const auto reader = serving::open_trace(serving::format_of(file.path()), file.path());
  while (reader->next()) {
  }
}

void read_memory_requests(const std::string& input) {
  static const System system = test::shipped_system("lpddr5-8gb-channel");
  const MemoryFile file(input);
  read_requests(file.path(), AddressMap(system.controller.address_map, system.dram.organization), system.dram.organization);
}

void check_commands(const std::string& input) {
  static const System system = test::shipped_system("h2llm");
  const MemoryFile file(input);
  std::optional<TraceChecker> checker;
  Picoseconds last;
  read_command_trace(
      file.path(),
      [&](const CommandRecord& record) {
        checker->command(record);
        last = record.time;
      },
      [&](const CommandTraceHead& head) {
        TraceCheckerOptions options;
        if (!head.whole) options.window_from = head.from;
        checker.emplace(system.dram, system.controller, &system.nmp, options);
      });
  if (checker) checker->finish(last);
}

void summarise_trace(const std::string& input) { trace_summary(MemoryFile(input).path()); }

void slice(const std::string& input) {
  const MemoryFile file(input);
  const MemoryFile out("");
  slice_trace(file.path(), short_window(), out.path());
}

}  // namespace bondsim::fuzz
