#include "tools/app/validation.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "models/base/error.hpp"
#include "sim/simulate.hpp"
#include "tools/app/processes/isolate.hpp"
#include "tools/app/processes/worker_pool.hpp"
#include "tools/app/progress.hpp"

namespace bondsim::tools {
namespace {

/// As JSON, to cross from the process that ran it.
nlohmann::json outcome(bool on_nmp, const Results& results) {
  TimeParts parts;
  if (on_nmp) {
    for (const ChannelResult& channel : results.channels) {
      if (channel.kind == "nmp") parts.add_scaled(channel.time, 1);
    }
  } else {
    parts = results.npu;
  }
  nlohmann::json out;
  out["latency_s"] = to_seconds(results.total);
  for (const auto& [name, time] : named_parts(parts)) {
    out["parts"].push_back({name, static_cast<double>(time.value) / static_cast<double>(std::max<std::int64_t>(1, parts.sum().value))});
  }
  return out;
}

/// A case's simulation as the text that crosses from a worker: its outcome, or why there is none.
std::string answer_of(const ValidationCase& c, unsigned limit_s) {
  try {
    return run_isolated(
        [&] {
          const auto schedule = c.schedule();
          return outcome(c.on_nmp, simulate(*c.system, *schedule)).dump();
        },
        limit_s);
  } catch (const InfeasibleError& e) {
    return nlohmann::json{{"infeasible", e.what()}}.dump();
  } catch (const TimeLimitError& e) {
    return nlohmann::json{{"unfinished", e.what()}}.dump();
  } catch (const std::exception& e) {
    return nlohmann::json{{"defect", e.what()}}.dump();
  }
}

CycleResult result_of(const nlohmann::json& values) {
  CycleResult result;
  result.infeasible = values.value("infeasible", "");
  result.unfinished = values.value("unfinished", "");
  result.latency_s = values.value("latency_s", 0.0);
  for (const auto& part : values.value("parts", nlohmann::json::array())) result.parts.emplace_back(part[0], part[1]);
  const auto longest =
      std::max_element(result.parts.begin(), result.parts.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  if (longest != result.parts.end()) result.dominant = longest->first;
  return result;
}

}  // namespace

std::vector<CycleResult> run_cycles(const std::vector<ValidationCase>& cases, int jobs, unsigned limit_s) {
  // Processes, not threads: a process that has threads must not fork and go on in the child, and every simulation is a fork.
  WorkerPool pool(jobs, [&](const std::string& row) { return answer_of(cases[std::stoul(row)], limit_s); });
  std::vector<std::string> tasks;
  for (std::size_t i = 0; i < cases.size(); ++i) tasks.push_back(std::to_string(i));
  std::vector<CycleResult> results(cases.size());
  std::string defect;
  std::int64_t done = 0;
  ProgressBar bar(static_cast<std::int64_t>(cases.size()));
  WorkerPool::Callbacks callbacks;
  callbacks.answered = [&](std::size_t row, const std::string& answer) {
    const auto values = nlohmann::json::parse(answer);
    if (values.contains("defect")) defect = fmt::format("row {}: {}", row + 1, values["defect"].get<std::string>());
    results[row] = result_of(values);
    bar.show(++done);
  };
  callbacks.gave_up = [&](std::size_t row, const std::string& report) { defect = fmt::format("row {}: {}", row + 1, report); };
  callbacks.stop = [&] { return !defect.empty(); };
  pool.run(tasks, callbacks);
  bar.clear();
  if (!defect.empty()) throw InternalError(defect);
  return results;
}

}  // namespace bondsim::tools
