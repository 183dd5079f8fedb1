#pragma once
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mapping/cost/forms/tables.hpp"
#include "models/schedule/schedule.hpp"
#include "models/system/system.hpp"
#include "tools/app/experiment/experiment.hpp"

/// Closed forms against the cycle model, case by case.
namespace bondsim::tools {

/// Something that has a latency: what the cycle model runs, and what a closed form makes of it.
struct ValidationCase {
  std::string kind;       ///< under which it is reported: NMP, NPU, ...
  std::string operation;  ///< what stays the same from device to device; empty: it is on one device alone
  bool on_nmp = false;    ///< its time is taken apart over the NMP channels, else as the NPU's
  std::shared_ptr<const System> system;
  std::function<std::unique_ptr<ScheduleSource>()> schedule;      ///< @throws InfeasibleError
  std::function<double(const cost::CostModel& model)> predicted;  ///< seconds; 0: the form says nothing. @throws InfeasibleError
};

/// Cases and the table that describes them, row by row.
struct ValidationSet {
  std::string title;  ///< what they are
  CsvTable table;
  std::vector<ValidationCase> cases;
};

/// Operators alone: each row of `table` is `base` with the row's device, and with the buffers of the optional columns weight_buffer_kib,
/// input_buffer_kib, output_buffer_kib, dma_chunk_kib. @throws ConfigError naming the row
ValidationSet validation_of_rows(const System& base, CsvTable table);

/// The operators of an experiment as it maps them, each alone, and whole steps: of the prefill and of `samples` decode steps, those that
/// a sampled run simulates (mapping/emit/step_sample). Operators that are alike in several steps are taken once.
ValidationSet validation_of_experiment(const Experiment& experiment, int samples);

/// Simulated time of a case and its parts, or why there is none.
struct CycleResult {
  double latency_s = 0;                               ///< 0: there is none
  std::string dominant;                               ///< the part of the time that is longest
  std::vector<std::pair<std::string, double>> parts;  ///< shares of the time: the mean over the NMP channels, or of the NPU
  std::string infeasible;                             ///< why no mapping exists
  std::string unfinished;                             ///< which time limit the simulation did not keep
  /// Of one operator on PEs: the buffers that would help if they were twice as large, most first, as BufferGains says; else empty.
  std::string limiting_buffers;

  bool known() const { return infeasible.empty() && unfinished.empty(); }
};
template <class Visitor>
void members(Visitor& v, CycleResult& r) {
  v("latency_s", r.latency_s);
  v("dominant", r.dominant);
  v("parts", r.parts);
  v("infeasible", r.infeasible);
  v("unfinished", r.unfinished);
  v("limiting_buffers", r.limiting_buffers);
}
inline const char* message_schema(const CycleResult&) { return "bondsim.cycle_result/1"; }

/// All cases, `jobs` at a time, each in a process of its own that is ended after `limit_s` seconds (0: never).
/// @param progress called with how many are done. @throws InternalError naming the case whose simulation failed or died.
std::vector<CycleResult> run_cycles(const std::vector<ValidationCase>& cases, int jobs, unsigned limit_s,
                                    const std::function<void(std::int64_t)>& progress = {});

/// Cases that come with bondsim: rows of operators alone, quick (under a minute) or full (at least 500), on the system of `system_file`; or
/// steps, whole prefills and decode steps of shipped models on it, and quick_steps, some of these. @throws ConfigError listing the names.
ValidationSet validation_suite(const std::string& name, const std::string& system_file);

/// The suite `steps`: for each of its setups (model, batch, prompts, dataflow, scratchpad) the prefill and the first decode step.
/// @param quick some of them, those of `quick_steps`
ValidationSet step_suite(const std::string& system_file, bool quick);

}  // namespace bondsim::tools
