#include "tools/commands/trace_options.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "models/base/error.hpp"

namespace bondsim::tools {
namespace {

/// The two sides of `A:B`. @throws ConfigError naming the option when there is no colon.
std::pair<std::string, std::string> sides(const std::string& option, const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) throw ConfigError(fmt::format("{} {}: no ':' found, allowed: FROM:TO", option, text));
  return {text.substr(0, colon), text.substr(colon + 1)};
}

/// A number of one side; `none` where it is left out.
template <class T>
T side(const std::string& option, const std::string& whole, const std::string& text, T none, T largest, const char* what) {
  if (text.empty()) return none;
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= 0 && value <= largest)) {
    throw ConfigError(fmt::format("{} {}: '{}' is not {}, allowed: 0 to {}", option, whole, text, what, largest));
  }
  return value;
}

}  // namespace

TraceWindow time_window(const std::string& option, const std::string& text) {
  TraceWindow window;
  const auto [from, to] = sides(option, text);
  window.from = Picoseconds(std::llround(side(option, text, from, 0.0, 9e15, "a time in ns") * 1000.0));
  if (!to.empty()) window.to = Picoseconds(std::llround(side(option, text, to, 0.0, 9e15, "a time in ns") * 1000.0));
  if (window.to <= window.from) throw ConfigError(fmt::format("{} {}: is empty, allowed: FROM below TO", option, text));
  return window;
}

bool TraceOptions::has(const std::string& kind) const { return std::find(kinds.begin(), kinds.end(), kind) != kinds.end(); }

TraceWindow TraceOptions::window() const {
  TraceWindow window;
  if (!window_ns.empty()) window = time_window("--trace-window", window_ns);
  if (!steps.empty()) {
    const std::string option = "--trace-steps";
    constexpr std::int32_t largest = std::numeric_limits<std::int32_t>::max();
    const auto [first, last] = sides(option, steps);
    window.steps =
        TraceWindow::Steps{side(option, steps, first, 0, largest, "a step"), side(option, steps, last, largest, largest, "a step")};
    if (window.steps->last < window.steps->first) {
      throw ConfigError(fmt::format("{} {}: is empty, allowed: FIRST up to LAST", option, steps));
    }
  }
  return window;
}

void add_trace_options(Command& command, TraceOptions& options, const std::vector<std::string>& kinds) {
  auto* trace = command
                    .add_option("--trace", options.kinds,
                                "traces to write into the --out directory, separated by commas; perfetto draws the commands of a window "
                                "with commands beside it")
                    ->delimiter(',')
                    ->allow_extra_args(false)
                    ->one_of(kinds);
  trace->needs("--out");
  command.add_flag("--trace-gzip", options.gzip, "compress the traces")->needs(trace);
  auto* window =
      command.add_option("--trace-window", options.window_ns, "FROM:TO in ns of simulated time: what is traced command by command")
          ->needs(trace);
  if (kinds.size() == 1) return;
  command.add_option("--trace-steps", options.steps, "FIRST:LAST, instead of a time: whole steps, 0 is the prefill")
      ->needs(trace)
      ->excludes(window);
}

void add_power_option(Command& command, TraceOptions& options) {
  auto* power =
      command
          .add_option("--power", options.power_ns, "INTERVAL in ns of the run: write power.csv, power by unit, and currents.csv to --out")
          ->range(0.001, 1e15)
          ->needs("--out");
  command.add_option("--power-by", options.power_by, "rows of power.csv: each bank, port, PE and buffer, or a channel as a whole")
      ->one_of({"unit", "channel"})
      ->needs(power);
}

RunTraces::RunTraces(const TraceOptions& options, const System& system, const std::string& directory) {
  if (options.kinds.empty() && options.power_ns == 0) return;
  any_ = true;
  hub_.window = options.window();
  const bool windowed = !hub_.window.whole();
  if (options.has("commands"))
    hub_.add(commands_.emplace(directory, system.channel_names(), options.gzip, hub_.window), {true, false, false});
  if (options.has("drampower"))
    hub_.add(drampower_.emplace(PowerTraceFormat::drampower, directory, system, options.gzip, hub_.window), {true, false, false});
  if (options.has("hbmpower"))
    hub_.add(hbmpower_.emplace(PowerTraceFormat::hbmpower, directory, system, options.gzip, hub_.window), {true, false, false});
  if (options.has("tasks")) hub_.add(tasks_.emplace(system, directory, options.gzip), {false, true, false});
  if (options.has("perfetto")) {
    // Command by command two steps are 200 MB, the whole run gigabytes: only those of a window, and only when commands are asked for.
    const bool by_command = windowed && options.has("commands");
    hub_.add(perfetto_.emplace(system, directory, options.gzip, by_command ? &hub_.window : nullptr), {by_command, true, true});
  }
  if (options.power_ns > 0) {
    const Picoseconds interval(std::llround(options.power_ns * 1000.0));
    const PowerDetail detail = options.power_by == "channel" ? PowerDetail::channel : PowerDetail::unit;
    hub_.add(power_.emplace(system, directory, interval, options.gzip, detail), {false, true, false});
  }
  if (options.has("vcd")) {
    if (!windowed) throw ConfigError("--trace vcd: every edge of a whole run is too much, allowed: with --trace-window or --trace-steps");
    hub_.one_by_one = true;
    hub_.add(vcd_.emplace(system, directory, hub_.window), {true, true, true});
  }
}

void RunTraces::attach(SimulateOptions& options) {
  if (any_) options.traces = &hub_;
}

void RunTraces::finish() {
  if (commands_) commands_->finish();
  if (drampower_) drampower_->finish();
  if (hbmpower_) hbmpower_->finish();
  if (tasks_) tasks_->finish();
  if (perfetto_) perfetto_->finish();
  if (vcd_) vcd_->finish();
  if (power_) power_->finish();
  if (hub_.run_end.value > 0 && hub_.window.from >= hub_.run_end) {
    fmt::print(stderr, "bondsim: the simulated run ends at {} ns, before the window of --trace begins: no command is in it\n",
               static_cast<double>(hub_.run_end.value) / 1000.0);
  }
}

}  // namespace bondsim::tools
