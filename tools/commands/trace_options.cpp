#include "tools/commands/trace_options.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "models/base/error.hpp"

namespace bondsim::tools {
namespace {

/// One end of the window; `none` where it is not given.
Picoseconds end_of_window(const std::string& window, const std::string& text, Picoseconds none) {
  if (text.empty()) return none;
  double ns = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ns);
  if (error != std::errc() || end != text.data() + text.size() || !(ns >= 0 && ns <= 9e15)) {
    throw ConfigError(fmt::format("--trace-window {}: '{}' is not a time, allowed: 0 to 9e15 ns", window, text));
  }
  return Picoseconds(std::llround(ns * 1000.0));
}

}  // namespace

bool TraceOptions::has(const std::string& kind) const { return std::find(kinds.begin(), kinds.end(), kind) != kinds.end(); }

CommandTraceOptions TraceOptions::to(const std::string& directory) const {
  CommandTraceOptions options;
  options.directory = directory;
  options.gzip = gzip;
  if (window.empty()) return options;
  const std::size_t colon = window.find(':');
  if (colon == std::string::npos) throw ConfigError(fmt::format("--trace-window {}: no ':' found, allowed: FROM:TO in ns", window));
  options.from = end_of_window(window, window.substr(0, colon), options.from);
  options.to = end_of_window(window, window.substr(colon + 1), options.to);
  if (options.to <= options.from) throw ConfigError(fmt::format("--trace-window {}: is empty, allowed: FROM below TO", window));
  return options;
}

void add_trace_options(CLI::App& command, TraceOptions& options, const std::vector<std::string>& kinds) {
  auto* trace = command.add_option("--trace", options.kinds, "traces to write into the --out directory, separated by commas")
                    ->delimiter(',')
                    ->allow_extra_args(false)
                    ->check(CLI::IsMember(kinds));
  trace->needs("--out");
  command.add_flag("--trace-gzip", options.gzip, "compress the traces")->needs(trace);
  command.add_option("--trace-window", options.window, "FROM:TO in ns: leave out commands before and after")->needs(trace);
}

RunTraces::RunTraces(const TraceOptions& options, const System& system, const std::string& out) : out_(out) {
  if (options.kinds.empty()) return;
  staging_.emplace(out + ".traces", "none");
  if (options.has("commands")) commands_.emplace(options.to(staging_->path()));
  if (options.has("tasks")) tasks_.emplace(system, staging_->path(), options.gzip);
}

void RunTraces::attach(SimulateOptions& options) {
  if (commands_) options.commands = &*commands_;
  if (tasks_) options.tasks = &*tasks_;
}

void RunTraces::finish() {
  if (commands_) commands_->finish();
  if (tasks_) tasks_->finish();
  if (staging_) staging_->move_into(out_);
}

}  // namespace bondsim::tools
