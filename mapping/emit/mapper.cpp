#include "mapping/emit/mapper.hpp"

#include <utility>
#include <vector>

#include "mapping/emit/block_emitter.hpp"

namespace bondsim {
namespace {

/// Blocks of a step in turn: embedding, layers, head.
class MappedSchedule : public ScheduleSource {
 public:
  MappedSchedule(Plan plan, const ScheduleScope& scope)
      : plan_(std::move(plan)), steps_(sample_steps(plan_.workload.generated_tokens, scope.decode_samples)), outside_(!scope.layers_only) {
    steps_.insert(steps_.begin(), SampledStep{0, 1});  // the prefill
    part_ = first_part();
  }

  const ScheduleHeader& header() const override { return plan_.header; }

  bool next(Block& block) override {
    if (at_ >= steps_.size()) return false;
    const SampledStep& sample = steps_[at_];
    block = Block{};
    BlockEmitter emitter(plan_, block, static_cast<int>(sample.step));
    block.layer = -1;
    if (part_ == 0) {
      emitter.embedding();
    } else if (part_ <= layer_blocks()) {
      block.layer = part_ - 1;
      block.layers = plan_.header.all_layers ? 1 : plan_.model.layers;
      if (sample.step > 0 && !plan_.dataflow.groups().empty()) {
        emitter.grouped(plan_.layer, plan_.dataflow.groups());
      } else {
        emitter.graph(plan_.layer);
      }
    } else {
      emitter.graph(plan_.head);
    }
    block.steps = sample.stands_for;
    emitter.finish();
    if (++part_ > layer_blocks() + (outside_ ? 1 : 0)) {
      part_ = first_part();
      ++at_;
    }
    return true;
  }

 private:
  int first_part() const { return outside_ ? 0 : 1; }
  int layer_blocks() const { return plan_.header.all_layers ? plan_.model.layers : 1; }

  Plan plan_;
  std::vector<SampledStep> steps_;
  bool outside_;  ///< with what is outside the layers
  std::size_t at_ = 0;
  int part_ = 0;
};

}  // namespace

std::unique_ptr<ScheduleSource> make_schedule(Plan plan, const ScheduleScope& scope) {
  return std::make_unique<MappedSchedule>(std::move(plan), scope);
}

std::unique_ptr<ScheduleSource> make_schedule(const System& system, const Model& model, const Workload& workload,
                                              const Dataflow& dataflow) {
  return make_schedule(make_plan(system, model, workload, dataflow));
}

}  // namespace bondsim
