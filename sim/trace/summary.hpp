#pragma once
#include <string>

#include "models/base/quantity.hpp"
#include "sim/trace/window.hpp"

namespace bondsim {

/// What a trace lists: DRAM commands, tasks, or slices for Perfetto.
enum class TraceKind { commands, tasks, perfetto };

/// Kind of a trace file, by its first line. Plain or gzipped. @throws ConfigError naming what is allowed.
TraceKind trace_kind(const std::string& path);

/// A trace as text: span, kinds, counts, shares of time. @throws ConfigError `file:line: ...`
std::string trace_summary(const std::string& path);

/// Writes the part of a trace that lies in the window to `out`: commands in it, rows and slices that reach into it, counters and arrows
/// that do. @return how many. @throws ConfigError
std::int64_t slice_trace(const std::string& path, const TraceWindow& window, const std::string& out);

/// The first line in which two traces of one kind differ, with the `context` lines before it; empty when they do not.
/// @throws ConfigError
std::string trace_difference(const std::string& a, const std::string& b, int context);

}  // namespace bondsim
