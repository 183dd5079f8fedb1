#include <algorithm>
#include <set>

#include "mapping/cost/block_cost.hpp"
#include "mapping/emit/block_parts.hpp"
#include "mapping/emit/mapper.hpp"
#include "mapping/emit/step_sample.hpp"
#include "models/base/csv_table.hpp"
#include "models/schedule/one_block.hpp"
#include "tools/app/validation/validation_step.hpp"

/// The operators and steps of an experiment.
namespace bondsim::tools {
namespace {

/// Step 0 and `samples` of the decode steps.
std::set<int> sampled_steps(int steps, int samples) {
  std::set<int> out = {0};
  if (samples <= 0) return out;
  for (const SampledStep& sample : sample_steps(steps, samples)) out.insert(static_cast<int>(sample.step));
  return out;
}

/// Key that is equal for two steps in which an operator does the same work.
std::string work_text(const Block& block) {
  std::string text;
  for (const OperatorWork& w : block.work) text += fmt::format(" {}x{}x{}x{}", w.shape.count, w.shape.m, w.shape.n, w.shape.k);
  for (const Task& t : block.tasks) {
    std::int64_t bytes = 0;
    for (const Extent& e : t.extents) bytes += e.bytes();
    if (t.kind == TaskKind::npu_vector || t.kind == TaskKind::kv_append) text += fmt::format(" {}+{}", t.vector.elements, bytes);
  }
  return text;
}

class ExperimentCases {
 public:
  explicit ExperimentCases(const Experiment& experiment) : system_(std::make_shared<const System>(experiment.system)) {}

  void step(const ScheduleHeader& header, std::vector<Block> blocks) {
    for (const Block& block : blocks) {
      const bool first_layer = block.layer <= 0;
      for (std::int32_t op = 0; first_layer && op < static_cast<std::int32_t>(header.operators.size()); ++op)
        operator_alone(header, block, op);
    }
    const int step = blocks.front().step;
    ValidationCase c = case_of_step(system_, header, std::move(blocks));
    add(std::move(c), step, "", "", {});
  }

  ValidationSet take(const std::string& title) { return {title, CsvTable::parse(text_, "experiment"), std::move(cases_)}; }

 private:
  void operator_alone(const ScheduleHeader& header, const Block& whole, std::int32_t op) {
    const auto block = std::make_shared<const Block>(operator_block(whole, op));
    if (block->tasks.empty()) return;
    const OperatorInfo& info = header.operators[static_cast<std::size_t>(op)];
    const std::string key = fmt::format("{} {}{}", info.name, static_cast<int>(info.phase), work_text(*block));
    if (!seen_.insert(key).second) return;
    ValidationCase c;
    c.on_nmp = has(*block, TaskKind::nmp_gemm);
    const bool on_arrays = has(*block, TaskKind::npu_gemm);
    c.kind = c.on_nmp ? (on_arrays ? "NMP and NPU" : "NMP") : on_arrays ? "NPU" : has(*block, TaskKind::kv_append) ? "append" : "vector";
    c.schedule = [header, block] { return std::make_unique<OneBlockSchedule>(header, *block); };
    c.predicted = [block, system = system_](const cost::CostModel& model) { return model.block_seconds(*block, *system); };
    const std::string executor = c.kind;
    add(std::move(c), whole.step, info.name, executor, block->work);
  }

  void add(ValidationCase c, int step, const std::string& op, const std::string& executor, const std::vector<OperatorWork>& work) {
    c.system = system_;
    // One shape: requests of different context have several, which do not fit the columns.
    const std::string shape =
        work.size() == 1 ? fmt::format("{},{},{},{}", work[0].shape.count, work[0].shape.m, work[0].shape.n, work[0].shape.k) : ",,,";
    const NmpConfig& nmp = system_->nmp;
    text_ += fmt::format("{},{},{},{},{},{},{},{},{},{},{}\n", step == 0 ? "prefill" : "decode", step, op.empty() ? "(step)" : op, executor,
                         shape, system_->nmp_channel_count(), system_->normal_channels().size(), nmp.pe.fpus, nmp.pe.clock_mhz,
                         nmp.hb.bandwidth_gbps, csv_cell(system_->name));
    cases_.push_back(std::move(c));
  }

  std::shared_ptr<const System> system_;
  std::string text_ = "phase,step,operator,executor,B,M,N,K,nmp_channels,normal_channels,fpu_num,freq_mhz,pe_bw_gbps,system\n";
  std::vector<ValidationCase> cases_;
  std::set<std::string> seen_;
};

}  // namespace

ValidationSet validation_of_experiment(const Experiment& experiment, int samples) {
  const auto schedule =
      make_schedule(make_plan(experiment.system, experiment.model, experiment.workload, experiment.dataflow, experiment.tiling));
  const std::set<int> steps = sampled_steps(schedule->header().steps, samples);
  ExperimentCases cases(experiment);
  for_each_step(*schedule, [&](std::vector<Block> blocks) {
    if (steps.count(blocks.front().step) > 0) cases.step(schedule->header(), std::move(blocks));
  });
  std::vector<int> decode(std::next(steps.begin()), steps.end());
  return cases.take(fmt::format("{} on {}, dataflow {}: operators alone and whole steps of the prefill and of decode steps {} of {}",
                                experiment.model.name, experiment.system.name, experiment.dataflow.name, fmt::join(decode, ", "),
                                schedule->header().steps));
}

}  // namespace bondsim::tools
