#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <set>

#include "models/base/error.hpp"
#include "models/base/io_error.hpp"
#include "sim/trace/commands.hpp"
#include "sim/trace/summary.hpp"
#include "sim/trace/trace_lines.hpp"

/// Cutting a window out of a trace.
namespace bondsim {
namespace {

bool reaches(const TraceWindow& window, Picoseconds start, Picoseconds end) {
  return start < window.to && (end > window.from || window.holds(start));
}

std::int64_t slice_commands(const std::string& path, const TraceWindow& window, std::ostream& out) {
  TextLines lines(path);
  std::string_view line;
  std::int64_t kept = 0;
  std::int64_t from = window.from.value;
  const auto number = [&](std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) lines.fail(fmt::format("'{}' is not a time in picoseconds", text));
    return value;
  };
  constexpr std::string_view head = "# from_ps ";
  bool titled = false;
  while (lines.next(line)) {
    if (line.substr(0, head.size()) == head) from = std::max(from, number(line.substr(head.size())));
    if (line.empty() || line[0] == '#') continue;
    if (!titled) {
      out << command_trace_schema << "\n";
      if (from > 0) out << head << from << "\n";
      out << command_trace_header << "\n";
      titled = true;
    } else if (window.holds(Picoseconds(number(line.substr(0, line.find(',')))))) {
      out << line << "\n";
      ++kept;
    }
  }
  return kept;
}

std::int64_t slice_tasks(const std::string& path, const TraceWindow& window, std::ostream& out) {
  TaskLines rows(path);
  for (const std::string& line : rows.head()) out << line << "\n";
  std::int64_t kept = 0;
  while (rows.next()) {
    if (!reaches(window, Picoseconds(rows.number("start_ps")), Picoseconds(rows.number("end_ps")))) continue;
    out << rows.line() << "\n";
    ++kept;
  }
  return kept;
}

/// Names stay, and an arrow only with both of its ends.
std::int64_t slice_events(const std::string& path, const TraceWindow& window, std::ostream& out) {
  std::set<std::int64_t> tails, heads;
  EventLines ends(path);
  while (ends.next()) {
    const std::string phase = ends.event().value("ph", "");
    if ((phase == "s" || phase == "f") && window.holds(ends.start())) (phase == "s" ? tails : heads).insert(ends.event().value("id", -1));
  }
  EventLines events(path);
  out << events.head();
  std::int64_t kept = 0;
  const char* separator = "\n";
  while (events.next()) {
    const auto& event = events.event();
    const std::string phase = event.value("ph", "");
    const std::int64_t id = event.value("id", std::int64_t{-1});
    const bool arrow = phase == "s" || phase == "f";
    const bool keep = phase == "M" || (arrow ? tails.count(id) > 0 && heads.count(id) > 0 : reaches(window, events.start(), events.end()));
    if (!keep) continue;
    out << separator << events.text();
    separator = ",\n";
    if (phase != "M") ++kept;
  }
  out << "\n]}\n";
  return kept;
}

}  // namespace

std::int64_t slice_trace(const std::string& path, const TraceWindow& window, const std::string& to) {
  const TraceKind kind = trace_kind(path);
  std::ofstream out(to, std::ios::binary);
  if (!out) throw_unwritable(to);
  const std::int64_t kept = kind == TraceKind::commands ? slice_commands(path, window, out)
                            : kind == TraceKind::tasks  ? slice_tasks(path, window, out)
                                                        : slice_events(path, window, out);
  errno = 0;
  out.flush();
  if (!out) throw_unwritable(to);
  return kept;
}

}  // namespace bondsim
