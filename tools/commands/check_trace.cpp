#include <fmt/format.h>

#include <memory>
#include <optional>

#include "models/base/error.hpp"
#include "models/dram/check/trace_checker.hpp"
#include "sim/trace/commands.hpp"
#include "tools/app/experiment/experiment.hpp"
#include "tools/commands/commands.hpp"

namespace bondsim::tools {
namespace {

struct CheckOptions {
  std::string system;
  std::vector<std::string> overrides;
  std::string trace;
};

std::string describe(const CommandRecord& c) {
  std::string text = fmt::format("{} ps {}", c.time.value, command_name(c.command));
  if (c.bank >= 0) text += fmt::format(" bank {}", c.bank);
  if (c.row >= 0) text += fmt::format(" row {}", c.row);
  if (c.column >= 0) text += fmt::format(" column {}", c.column);
  return text;
}

int check_trace(const CheckOptions& options) {
  const System system = load_system(options.system, options.overrides);
  if (!system.fidelity.row_timing) {
    throw ConfigError(
        fmt::format("{}: system.fidelity.row_timing: off, its traces have no row timing to check, allowed: true", options.system));
  }
  TraceCheckerOptions checks;
  checks.refresh = system.fidelity.refresh;
  checks.mode_switch = system.fidelity.mode_switch;
  require_uniform(system, "check-trace");
  const NmpConfig* nmp = system.nmp_channel_count() > 0 ? &system.nmp : nullptr;
  std::optional<TraceChecker> made;
  Picoseconds last;
  const auto begin = [&](const CommandTraceHead& head) {
    if (!head.whole) checks.window_from = last = head.from;
    made.emplace(system.dram, system.controller, nmp, checks);
  };
  const auto take = [&](const CommandRecord& record) {
    made->command(record);
    last = record.time;
  };
  read_command_trace(options.trace, take, begin);
  TraceChecker& checker = *made;
  checker.finish(last);
  fmt::print("{}: {} commands, {} violations\n", options.trace, checker.commands(), checker.violations());
  if (checks.window_from) {
    fmt::print(
        "  a window from {} ps on: for {} ps distances to commands before it are not judged; its first commands tell the mode and the rows "
        "that were open; refresh counts from its begin\n",
        checks.window_from->value, checker.longest_distance().value);
  }
  for (const auto& [rule, count] : checker.by_rule()) fmt::print("  {:<24} {}\n", rule, count);
  if (checker.violations() > 0) fmt::print("first:\n");
  for (const TraceViolation& v : checker.first()) {
    fmt::print("  {}: {}\n    {}\n", v.rule, v.detail, describe(v.command));
    if (v.has_earlier) fmt::print("    after {}\n", describe(v.earlier));
  }
  return checker.violations() == 0 ? 0 : 1;
}

}  // namespace

void add_check_trace(Command& app, Action& action) {
  auto* command = app.add_subcommand("check-trace", "check a DRAM command trace against the datasheet, independently of the simulator");
  auto options = std::make_shared<CheckOptions>();
  command->add_option("SYSTEM", options->system, "system file (configs/system/), or an experiment that names one")->required();
  command->add_option("COMMANDS", options->trace, "<channel>.commands.csv, plain or gzipped")->required();
  command->add_option("--set", options->overrides, "change one value of the system; may be repeated")->allow_extra_args(false);
  command->footer(
      "Example:\n  bondsim check-trace configs/system/lpddr5-8gb-channel.yaml out/dram/normal.channel0.commands.csv\n"
      "Exit status 1 when a rule is broken.");
  command->callback([options, &action] { action = [options] { return check_trace(*options); }; });
}

}  // namespace bondsim::tools
