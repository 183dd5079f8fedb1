#include "sim/trace/trace_lines.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "sim/trace/tasks.hpp"

namespace bondsim {

TaskLines::TaskLines(const std::string& path) : lines_(path) {
  std::string_view line;
  if (!lines_.next(line) || line != task_trace_schema) lines_.fail(fmt::format("the first line is not '{}'", task_trace_schema));
  head_.emplace_back(line);
  if (!lines_.next(line) || line != task_trace_header()) lines_.fail(fmt::format("the header is not '{}'", task_trace_header()));
  head_.emplace_back(line);
  line_ = head_.back();
  split();
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    const std::string name(cells_[i]);
    columns_[name] = i;
    const bool part = name.size() > 3 && name.substr(name.size() - 3) == "_ps" && name != "start_ps" && name != "end_ps";
    if (part) parts_.push_back(name.substr(0, name.size() - 3));
  }
}

void TaskLines::split() {
  cells_.clear();
  for (std::size_t begin = 0; begin <= line_.size();) {
    const std::size_t end = std::min(line_.find(',', begin), line_.size());
    cells_.push_back(line_.substr(begin, end - begin));
    begin = end + 1;
  }
}

bool TaskLines::next() {
  if (!lines_.next(line_)) return false;
  split();
  if (cells_.size() != columns_.size()) lines_.fail(fmt::format("{} cells found, {} are expected", cells_.size(), columns_.size()));
  return true;
}

std::int64_t TaskLines::number(const std::string& column) const {
  const std::string_view text = cell(column);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) lines_.fail(fmt::format("{} '{}' is not a whole number", column, text));
  return value;
}

EventLines::EventLines(const std::string& path) : lines_(path) {
  std::string_view line;
  if (!lines_.next(line) || line.find("bondsim.perfetto/1") == std::string_view::npos)
    lines_.fail("the first line does not say bondsim.perfetto/1");
  head_ = line;
}

bool EventLines::next() {
  std::string_view line;
  if (!lines_.next(line)) lines_.fail("the file ends before its events do: ']}' is missing");
  if (line == "]}") return false;
  if (!line.empty() && line.back() == ',') line.remove_suffix(1);
  text_ = line;
  event_ = nlohmann::json::parse(line, nullptr, false);
  if (!event_.is_object() || !event_.contains("ph") || !event_.contains("pid")) lines_.fail("no trace event");
  return true;
}

Picoseconds EventLines::time(const char* key) const {
  const auto at = event_.find(key);
  if (at == event_.end() || !at->is_number()) lines_.fail(fmt::format("an event without '{}'", key));
  return Picoseconds(std::llround(at->get<double>() * 1e6));
}

}  // namespace bondsim
