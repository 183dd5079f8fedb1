#include "sim/trace/summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <set>

#include "models/base/error.hpp"
#include "sim/trace/commands.hpp"
#include "sim/trace/tasks.hpp"
#include "sim/trace/trace_lines.hpp"

namespace bondsim {
namespace {

double ns(std::int64_t ps) { return static_cast<double>(ps) / 1000.0; }
double percent(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

/// First start and last end of what was seen.
struct Extremes {
  std::int64_t first = std::numeric_limits<std::int64_t>::max();
  std::int64_t last = 0;
  void add(Picoseconds start, Picoseconds end) {
    first = std::min(first, start.value);
    last = std::max(last, end.value);
  }
  std::int64_t length() const { return std::max<std::int64_t>(last - first, 0); }
  std::string text() const { return first > last ? "nothing" : fmt::format("{:.3f} to {:.3f} ns", ns(first), ns(last)); }
};

std::string commands_summary(const std::string& path) {
  std::map<std::string, std::int64_t> counts;
  std::set<std::int32_t> banks;
  std::map<std::int32_t, std::int64_t> by_operator;
  Extremes span;
  std::int64_t all = 0, columns = 0;
  const auto head = read_command_trace(path, [&](const CommandRecord& record) {
    ++all;
    ++counts[command_name(record.command)];
    ++by_operator[record.requester];
    if (record.bank >= 0) banks.insert(record.bank);
    if (record.column >= 0) ++columns;
    span.add(record.time, record.time);
  });
  std::string out = fmt::format("{}: commands, {}, {}; {} commands on {} banks for {} operators\n", path, span.text(),
                                head.whole ? "from the beginning of the run" : "a window", all, banks.size(), by_operator.size());
  for (const auto& [name, count] : counts) out += fmt::format("  {:<12} {:>12}  {:5.1f} %\n", name, count, percent(count, all));
  if (counts["ACT1"] > 0) {
    out += fmt::format("{:.2f} column accesses a row opened\n", static_cast<double>(columns) / static_cast<double>(counts["ACT1"]));
  }
  return out;
}

std::string tasks_summary(const std::string& path) {
  struct Kind {
    std::int64_t rows = 0, time = 0, bytes = 0, macs = 0;
  };
  std::map<std::string, Kind> kinds;
  std::map<std::string, std::int64_t> parts;
  std::set<std::int64_t> blocks, steps;
  Extremes span;
  std::int64_t all = 0;
  TaskLines rows(path);
  while (rows.next()) {
    std::int64_t repeat = 0;
    rows.add("layers", rows.number("steps"), repeat);
    span.add(Picoseconds(rows.number("start_ps")), Picoseconds(rows.number("end_ps")));
    blocks.insert(rows.number("block"));
    steps.insert(rows.number("step"));
    Kind& kind = kinds[std::string(rows.cell("kind"))];
    ++kind.rows;
    rows.add("bytes", repeat, kind.bytes);
    rows.add("macs", repeat, kind.macs);
    for (const std::string& part : rows.parts()) {
      rows.add(part + "_ps", repeat, parts[part]);
      rows.add(part + "_ps", repeat, kind.time);
      rows.add(part + "_ps", repeat, all);
    }
  }
  std::string out =
      fmt::format("{}: tasks, {} of simulated time, {} blocks of {} steps; with the layers and steps they stand for {:.3f} ns\n", path,
                  span.text(), blocks.size(), steps.size(), ns(all));
  out += fmt::format("  {:<14}{:>8}{:>18}{:>8}{:>16}{:>18}\n", "kind", "rows", "time ns", "share", "bytes", "macs");
  for (const auto& [name, kind] : kinds) {
    out += fmt::format("  {:<14}{:>8}{:>18.3f}{:>6.1f} %{:>16}{:>18}\n", name, kind.rows, ns(kind.time), percent(kind.time, all),
                       kind.bytes, kind.macs);
  }
  out += "time parts:";
  for (const std::string& part : rows.parts()) {
    if (parts[part] != 0) out += fmt::format(" {} {:.1f} %", part, percent(parts[part], all));
  }
  return out + "\n";
}

/// Of tracks that are alike, those of channels of one kind, the one that is busy longest.
class Stragglers {
 public:
  void add(const std::string& process, const std::string& track, std::int64_t busy) {
    const std::size_t digits = process.find_last_not_of("0123456789") + 1;
    if (digits < process.size()) groups_[{process.substr(0, digits), track}].emplace_back(busy, process);
  }

  std::string text() const {
    std::string out;
    for (const auto& [kind, members] : groups_) {
      const auto slowest = std::max_element(members.begin(), members.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
      std::int64_t sum = 0;
      for (const auto& member : members) sum += member.first;
      if (members.size() < 2 || sum == 0) continue;
      const double mean = static_cast<double>(sum) / static_cast<double>(members.size());
      out += fmt::format("straggler: {}, {} busy {:.3f} ns, {:.2f} % longer than the mean of {}\n", slowest->second, kind.second,
                         ns(slowest->first), 100 * (static_cast<double>(slowest->first) / mean - 1), members.size());
    }
    return out;
  }

 private:
  /// By the process's name without its number, and the track: busy time and process.
  std::map<std::pair<std::string, std::string>, std::vector<std::pair<std::int64_t, std::string>>> groups_;
};

/// Length of the union of intervals.
std::int64_t covered(std::vector<std::pair<std::int64_t, std::int64_t>>& intervals) {
  std::sort(intervals.begin(), intervals.end());
  std::int64_t sum = 0, until = 0;
  for (const auto& [start, end] : intervals) {
    sum += std::max<std::int64_t>(end - std::max(start, until), 0);
    until = std::max(until, end);
  }
  return sum;
}

std::string perfetto_summary(const std::string& path) {
  struct TrackUse {
    std::int64_t slices = 0;
    std::vector<std::pair<std::int64_t, std::int64_t>> busy;  ///< as written: they may nest, in any order
  };
  std::map<std::pair<int, int>, TrackUse> tracks;
  std::map<std::pair<int, int>, std::string> threads;
  std::map<int, std::string> processes;
  std::map<std::string, std::int64_t> phases;
  Extremes span;
  EventLines events(path);
  while (events.next()) {
    const auto& event = events.event();
    const std::string phase = event.value("ph", "");
    const std::pair<int, int> where{event.value("pid", 0), event.value("tid", 0)};
    ++phases[phase];
    if (phase == "M") {
      const auto args = event.value("args", nlohmann::json::object());
      if (event.value("name", "") == "process_name") processes[where.first] = args.value("name", "");
      if (event.value("name", "") == "thread_name") threads[where] = args.value("name", "");
      continue;
    }
    span.add(events.start(), events.end());
    if (phase != "X") continue;
    TrackUse& use = tracks[where];
    ++use.slices;
    const std::string category = event.value("cat", "");
    if (category != "wait" && category != "idle") use.busy.emplace_back(events.start().value, events.end().value);
  }
  std::string out = fmt::format("{}: perfetto, {} of simulated time; {} slices, {} arrows, {} counter values, {} instants\n", path,
                                span.text(), phases["X"], phases["f"], phases["C"], phases["i"]);
  out += fmt::format("  {:<20}{:<28}{:>10}{:>18}{:>8}\n", "process", "track", "slices", "busy ns", "share");
  Stragglers stragglers;
  for (auto& [where, use] : tracks) {
    const std::int64_t busy = covered(use.busy);
    if (threads[where] == "tasks") stragglers.add(processes[where.first], threads[where], busy);
    out += fmt::format("  {:<20}{:<28}{:>10}{:>18.3f}{:>6.1f} %\n", processes[where.first], threads[where], use.slices, ns(busy),
                       percent(busy, span.length()));
  }
  return out + stragglers.text();
}

}  // namespace

TraceKind trace_kind(const std::string& path) {
  TextLines lines(path);
  std::string_view line;
  if (lines.next(line)) {
    if (line == command_trace_schema) return TraceKind::commands;
    if (line == task_trace_schema) return TraceKind::tasks;
    if (line.find("\"bondsim.perfetto/1\"") != std::string_view::npos) return TraceKind::perfetto;
  }
  lines.fail(fmt::format("no trace of bondsim, allowed: a first line '{}' or '{}', or a trace.json of --trace perfetto",
                         command_trace_schema, task_trace_schema));
}

std::string trace_summary(const std::string& path) {
  switch (trace_kind(path)) {
    case TraceKind::commands:
      return commands_summary(path);
    case TraceKind::tasks:
      return tasks_summary(path);
    default:
      return perfetto_summary(path);
  }
}

std::string trace_difference(const std::string& a, const std::string& b, int context) {
  if (trace_kind(a) != trace_kind(b)) throw ConfigError(fmt::format("{} and {} are traces of different kinds", a, b));
  TextLines first(a), second(b);
  std::deque<std::string> before;
  for (std::int64_t number = 1;; ++number) {
    std::string_view left, right;
    const bool more_left = first.next(left);
    const bool more_right = second.next(right);
    if (!more_left && !more_right) return "";
    if (more_left && more_right && left == right) {
      before.emplace_back(left);
      if (before.size() > static_cast<std::size_t>(context)) before.pop_front();
      continue;
    }
    std::string out = fmt::format("line {} differs\n", number);
    for (const std::string& line : before) out += "  " + line + "\n";
    out += more_left ? fmt::format("- {}\n", left) : fmt::format("- (end of {})\n", a);
    out += more_right ? fmt::format("+ {}\n", right) : fmt::format("+ (end of {})\n", b);
    return out;
  }
}

}  // namespace bondsim
