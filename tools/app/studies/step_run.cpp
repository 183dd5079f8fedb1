#include "tools/app/studies/step_run.hpp"

#include <algorithm>
#include <sstream>
#include <utility>

#include "mapping/emit/mapper.hpp"
#include "mapping/search/device/device_dataflow.hpp"
#include "mapping/search/device/device_metrics.hpp"
#include "models/base/digest.hpp"
#include "models/schedule/schedule_json.hpp"
#include "models/system/energy_counts.hpp"
#include "sim/simulate.hpp"
#include "tools/app/processes/isolate.hpp"
#include "tools/app/processes/message.hpp"

namespace bondsim::tools {
namespace {

/// Hands out the blocks of a step.
class StepSource final : public ScheduleSource {
 public:
  explicit StepSource(const StepSchedule& step) : step_(step) {}
  const ScheduleHeader& header() const override { return step_.header; }
  using ScheduleSource::next;
  bool next(Picoseconds, Block& block) override {
    if (at_ == step_.blocks.size()) return false;
    block = step_.blocks[at_++];
    return true;
  }

 private:
  const StepSchedule& step_;
  std::size_t at_ = 0;
};

/// What names and counts steps of the run besides this one is taken off.
ScheduleHeader header_of_a_step(ScheduleHeader header) {
  header.model = header.dataflow = "step";
  header.steps = 0;
  header.prompt_tokens = 0;
  return header;
}

StepOutcome outcome(const Results& results, const System& system, const EnergyTable* other) {
  StepOutcome out;
  out.time_ps = results.total.value;
  out.energy_j = to_joules(results.energy_total);
  if (other != nullptr) {
    const EnergyModel model(*other, energy_context(system));
    for (const OperatorResult& op : results.operators) out.other_energy_j += to_joules(search::sum(model.energy(op.counts)));
  }
  TimeParts time;
  for (const ChannelResult& channel : results.channels) {
    if (channel.kind == "nmp") time.add_scaled(channel.time, 1);
  }
  out.nmp_time_ps = time.sum().value;
  out.nmp_transfer_ps = (time.host_transfer + time.mode_switch).value;
  out.nmp_wait_ps = (time.dependency + time.idle).value;
  return out;
}

}  // namespace

bool StepSchedule::uses_pes() const {
  return std::any_of(blocks.begin(), blocks.end(), [](const Block& block) {
    return std::any_of(block.tasks.begin(), block.tasks.end(), [](const Task& task) { return task.kind == TaskKind::nmp_gemm; });
  });
}

std::vector<StepSchedule> step_schedules(Plan plan, std::int64_t decode_samples) {
  const auto source = make_schedule(std::move(plan), {decode_samples, true});
  std::vector<StepSchedule> steps;
  std::int32_t step = -1;
  for (Block block; source->next(block);) {
    if (block.step != std::exchange(step, block.step)) steps.push_back({header_of_a_step(source->header()), {}, block.steps});
    block.step = 0;
    block.steps = 1;
    block.yields.clear();
    steps.back().blocks.push_back(std::move(block));
  }
  return steps;
}

std::string step_key(const StepSchedule& step, const System& system, const std::string& energy) {
  System seen = system;
  if (!step.uses_pes()) {
    const int banks_per_pe = seen.nmp.pe.banks_per_pe;
    seen.nmp.pe = {};
    seen.nmp.pe.banks_per_pe = banks_per_pe;
    seen.nmp.input_buffer_kib = seen.nmp.mode_change_ns = 0;
    seen.nmp.subarray_overlap = false;
  }
  std::ostringstream text;
  text << search::device_key(seen, "detailed", search::Bandwidths::sustained) << energy;
  ScheduleWriter writer(text, step.header);
  for (const Block& block : step.blocks) writer.write(block);
  return digest(text.str());
}

StepOutcome simulate_step(const StepSchedule& step, const System& system, const EnergyTable* other) {
  return decode<StepOutcome>(run_isolated([&] {
    StepSource source(step);
    return encode(outcome(simulate(system, source), system, other));
  }));
}

}  // namespace bondsim::tools
