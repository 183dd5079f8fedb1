#include "sim/trace/trace_lines.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <functional>
#include <utility>

#include "sim/trace/tasks.hpp"

namespace bondsim {
namespace {

/// What makes an event none, empty when nothing does: keys have the types of the format.
std::string event_problem(const nlohmann::json& event) {
  using Json = nlohmann::json;
  if (!event.is_object()) return "no trace event";
  for (const char* key : {"ph", "pid"}) {
    if (!event.contains(key)) return fmt::format("an event without '{}'", key);
  }
  const auto is_small = [](const Json& v) {
    return v.is_number_integer() && v.get<std::int64_t>() >= 0 && v.get<std::int64_t>() < 1 << 30;
  };
  const auto is_count = [](const Json& v) { return v.is_number_integer(); };
  const auto is_text = [](const Json& v) { return v.is_string(); };
  const std::pair<const char*, std::function<bool(const Json&)>> types[] = {{"ph", is_text},  {"pid", is_small}, {"tid", is_small},
                                                                            {"id", is_count}, {"name", is_text}, {"cat", is_text}};
  for (const auto& [key, has_type] : types) {
    if (event.contains(key) && !has_type(event.at(key)))
      return fmt::format("'{}' of an event is {}", key, event.at(key).dump().substr(0, 40));
  }
  const auto args = event.find("args");
  if (args == event.end()) return "";
  if (!args->is_object()) return "'args' of an event are no object";
  return args->contains("name") && !args->at("name").is_string() ? "the name in 'args' of an event is no text" : "";
}

}  // namespace

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

void TaskLines::add(const std::string& column, std::int64_t repeat, std::int64_t& sum) const {
  std::int64_t product = 0;
  if (__builtin_mul_overflow(number(column), repeat, &product) || __builtin_add_overflow(sum, product, &sum)) {
    lines_.fail(fmt::format("{} is too large: with the rows before it does not fit 64 bits", column));
  }
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
  if (const std::string problem = event_problem(event_); !problem.empty()) lines_.fail(problem);
  return true;
}

Picoseconds EventLines::time(const char* key) const {
  const auto at = event_.find(key);
  if (at == event_.end() || !at->is_number()) lines_.fail(fmt::format("an event without '{}'", key));
  constexpr double longest_us = 4e12;  // two of them fit in 64 bits of picoseconds
  const auto us = at->get<double>();
  if (!(std::abs(us) <= longest_us)) lines_.fail(fmt::format("'{}' is {}, allowed: up to {} us", key, us, longest_us));
  return Picoseconds(std::llround(us * 1e6));
}

}  // namespace bondsim
