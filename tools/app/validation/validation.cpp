#include "tools/app/validation/validation.hpp"

#include <algorithm>

#include "mapping/tiling/tiling.hpp"
#include "models/base/error.hpp"
#include "sim/simulate.hpp"
#include "tools/app/processes/isolate.hpp"
#include "tools/app/processes/message.hpp"
#include "tools/app/processes/worker_pool.hpp"

namespace bondsim::tools {
namespace {

CycleResult outcome(bool on_nmp, const Results& results) {
  TimeParts parts;
  if (on_nmp) {
    for (const ChannelResult& channel : results.channels) {
      if (channel.kind == "nmp") parts.add_scaled(channel.time, 1);
    }
  } else {
    parts = results.npu;
  }
  CycleResult out;
  out.latency_s = to_seconds(results.total);
  const auto whole = static_cast<double>(std::max<std::int64_t>(1, parts.sum().value));
  for (const auto& [name, time] : named_parts(parts)) out.parts.emplace_back(name, static_cast<double>(time.value) / whole);
  const auto shorter = [](const auto& a, const auto& b) { return a.second < b.second; };
  out.dominant = std::max_element(out.parts.begin(), out.parts.end(), shorter)->first;
  return out;
}

/// Of the largest share of the only operator on PEs.
std::string limiting_buffers(const System& system, ScheduleSource& schedule) {
  const Task* largest = nullptr;
  Block block;
  if (!schedule.next(block)) return "";
  for (const Task& task : block.tasks) {
    if (task.kind != TaskKind::nmp_gemm) continue;
    if (largest != nullptr && largest->op != task.op) return "";
    if (largest == nullptr || task.nmp.shape.macs() > largest->nmp.shape.macs()) largest = &task;
  }
  if (largest == nullptr) return "";
  const NmpConfig& nmp = system.nmp_of(largest->channel());
  const TilingProblem problem =
      tiling_problem(system, largest->channel(), largest->nmp.pe_products(), largest->nmp.pes_per_product(), largest->nmp.bits);
  return buffer_gains(nmp, problem, tiling_cost_ps(nmp, problem, largest->nmp.tiling)).text();
}

/// Answer of a worker: the result of a case, or the defect that left it without one.
struct CaseAnswer {
  std::string result;  ///< an encoded CycleResult
  std::string defect;
};
template <class Visitor>
void members(Visitor& v, CaseAnswer& a) {
  v("result", a.result);
  v("defect", a.defect);
}
const char* message_schema(const CaseAnswer&) { return "bondsim.case_answer/1"; }

CaseAnswer answer_of(const ValidationCase& c, unsigned limit_s) {
  CycleResult none;
  try {
    const auto work = [&] {
      const auto schedule = c.schedule();
      CycleResult result = outcome(c.on_nmp, simulate(*c.system, *schedule));
      if (c.on_nmp && c.kind != "whole step") result.limiting_buffers = limiting_buffers(*c.system, *c.schedule());
      return encode(result);
    };
    return {run_isolated(work, limit_s), ""};
  } catch (const InfeasibleError& e) {
    none.infeasible = e.what();
  } catch (const TimeLimitError& e) {
    none.unfinished = e.what();
  } catch (const std::exception& e) {
    return {"", e.what()};
  }
  return {encode(none), ""};
}

}  // namespace

std::vector<CycleResult> run_cycles(const std::vector<ValidationCase>& cases, int jobs, unsigned limit_s,
                                    const std::function<void(std::int64_t)>& progress) {
  // Processes, not threads: a process that has threads must not fork and go on in the child, and every simulation is a fork.
  WorkerPool pool(jobs, [&](const std::string& row) { return encode(answer_of(cases[std::stoul(row)], limit_s)); });
  std::vector<std::string> tasks;
  for (std::size_t i = 0; i < cases.size(); ++i) tasks.push_back(std::to_string(i));
  std::vector<CycleResult> results(cases.size());
  std::string defect;
  std::int64_t done = 0;
  WorkerPool::Callbacks callbacks;
  callbacks.answered = [&](std::size_t row, const std::string& answer) {
    const auto answered = decode<CaseAnswer>(answer);
    if (answered.defect.empty()) results[row] = decode<CycleResult>(answered.result);
    if (!answered.defect.empty()) defect = fmt::format("row {}: {}", row + 1, answered.defect);
    if (progress) progress(++done);
  };
  callbacks.gave_up = [&](std::size_t row, const std::string& report) { defect = fmt::format("row {}: {}", row + 1, report); };
  callbacks.stop = [&] { return !defect.empty(); };
  pool.run(tasks, callbacks);
  if (!defect.empty()) throw InternalError(defect);
  return results;
}

}  // namespace bondsim::tools
