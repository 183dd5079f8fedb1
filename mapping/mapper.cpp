#include "mapping/mapper.hpp"

#include <utility>

#include "mapping/emit/block_emitter.hpp"

namespace bondsim {
namespace {

/// Blocks of a step in turn: embedding, layers, head.
class MappedSchedule : public ScheduleSource {
 public:
  explicit MappedSchedule(Plan plan) : plan_(std::move(plan)) {}

  const ScheduleHeader& header() const override { return plan_.header; }

  bool next(Block& block) override {
    if (step_ > plan_.workload.generated_tokens) return false;
    block = Block{};
    BlockEmitter emitter(plan_, block, static_cast<int>(step_));
    const int layer_blocks = plan_.header.all_layers ? plan_.model.layers : 1;
    if (part_ == 0) {
      block.layer = -1;
      emitter.embedding();
    } else if (part_ <= layer_blocks) {
      block.layer = part_ - 1;
      block.repeat = plan_.header.all_layers ? 1 : plan_.model.layers;
      if (step_ > 0 && !plan_.dataflow.groups().empty()) {
        emitter.grouped(plan_.layer, plan_.dataflow.groups());
      } else {
        emitter.graph(plan_.layer);
      }
    } else {
      block.layer = -1;
      emitter.graph(plan_.head);
    }
    emitter.finish();
    if (++part_ > layer_blocks + 1) {
      part_ = 0;
      ++step_;
    }
    return true;
  }

 private:
  Plan plan_;
  std::int64_t step_ = 0;
  int part_ = 0;
};

}  // namespace

std::unique_ptr<ScheduleSource> make_schedule(Plan plan) { return std::make_unique<MappedSchedule>(std::move(plan)); }

std::unique_ptr<ScheduleSource> make_schedule(const System& system, const Model& model, const Workload& workload,
                                              const Dataflow& dataflow) {
  return make_schedule(make_plan(system, model, workload, dataflow));
}

}  // namespace bondsim
