#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/command.hpp"

/// A reader of Chrome trace-event files of its own: nothing of the writer is used.
namespace bondsim::test {

/// Events of a trace, with times in exact picoseconds.
struct ChromeTrace {
  using Where = std::pair<int, int>;  ///< process, thread
  struct Slice {
    Where where;
    std::int64_t start = 0;
    std::int64_t end = 0;
    std::string name;
    std::string category;
    nlohmann::json args;
  };
  struct ArrowEnd {
    Where where;
    std::int64_t at = 0;
  };
  struct Sample {
    std::int64_t at = 0;
    nlohmann::json values;
  };
  std::vector<Slice> slices;
  std::map<std::int64_t, ArrowEnd> tails;  ///< by arrow
  std::map<std::int64_t, ArrowEnd> heads;
  std::map<std::pair<int, std::string>, std::vector<Sample>> counters;  ///< by process and name
  std::map<int, std::string> processes;
  std::map<Where, std::string> threads;
  std::int64_t instants = 0;
};

/// @throws nlohmann::json::exception for what is not one.
inline ChromeTrace read_chrome_trace(const std::string& path) {
  ChromeTrace trace;
  const auto ps = [](const nlohmann::json& us) { return static_cast<std::int64_t>(std::llround(us.get<double>() * 1e6)); };
  const auto json = nlohmann::json::parse(file_text(path));
  for (const auto& event : json.at("traceEvents")) {
    const std::string phase = event.at("ph");
    const ChromeTrace::Where where{event.at("pid").get<int>(), event.value("tid", 0)};
    if (phase == "X") {
      const std::int64_t start = ps(event.at("ts"));
      trace.slices.push_back(
          {where, start, start + ps(event.at("dur")), event.at("name"), event.at("cat"), event.value("args", nlohmann::json::object())});
    } else if (phase == "s" || phase == "f") {
      (phase == "s" ? trace.tails : trace.heads)[event.at("id").get<std::int64_t>()] = {where, ps(event.at("ts"))};
    } else if (phase == "C") {
      trace.counters[{where.first, event.at("name")}].push_back({ps(event.at("ts")), event.at("args")});
    } else if (phase == "M" && event.at("name") == "process_name") {
      trace.processes[where.first] = event.at("args").at("name");
    } else if (phase == "M" && event.at("name") == "thread_name") {
      trace.threads[where] = event.at("args").at("name");
    } else if (phase == "i") {
      ++trace.instants;
    }
  }
  return trace;
}

/// The first pair of slices of one track that overlap without one holding the other; empty when there is none.
inline std::string illegal_overlap(const ChromeTrace& trace) {
  std::map<ChromeTrace::Where, std::vector<const ChromeTrace::Slice*>> tracks;
  for (const auto& slice : trace.slices) tracks[slice.where].push_back(&slice);
  for (auto& [where, slices] : tracks) {
    std::stable_sort(slices.begin(), slices.end(),
                     [](const auto* a, const auto* b) { return a->start != b->start ? a->start < b->start : a->end > b->end; });
    std::vector<const ChromeTrace::Slice*> open;
    for (const auto* slice : slices) {
      while (!open.empty() && open.back()->end <= slice->start) open.pop_back();
      if (!open.empty() && slice->end > open.back()->end) {
        return trace.threads.at(where) + ": " + open.back()->name + " until " + std::to_string(open.back()->end) + ", " + slice->name +
               " from " + std::to_string(slice->start) + " to " + std::to_string(slice->end);
      }
      open.push_back(slice);
    }
  }
  return "";
}

}  // namespace bondsim::test
