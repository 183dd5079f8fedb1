#include "mapping/emit/mapper.hpp"

#include <optional>
#include <utility>

#include "mapping/emit/cache_moves.hpp"
#include "mapping/emit/lockstep.hpp"
#include "mapping/emit/step_blocks.hpp"

namespace bondsim {
namespace {

/// The steps of a source of batches, block by block.
class MappedSchedule : public ScheduleSource {
 public:
  MappedSchedule(Plan plan, std::unique_ptr<BatchSource> batches, bool layers_only)
      : plan_(std::move(plan)), batches_(std::move(batches)), moves_(plan_), blocks_(plan_, {!layers_only, !layers_only, 0}) {}

  const ScheduleHeader& header() const override { return plan_.header; }

  using ScheduleSource::next;
  bool next(Picoseconds now, Block& block) override {
    if (moves_.next(block) || blocks_.next(block)) return true;
    const std::optional<BatchStep> step = batches_->next(now);
    if (!step) return false;
    moves_.begin(*step);
    blocks_.begin(*step);
    return moves_.next(block) || blocks_.next(block);
  }

 private:
  Plan plan_;
  std::unique_ptr<BatchSource> batches_;
  CacheMoves moves_;
  StepBlocks blocks_;
};

}  // namespace

std::unique_ptr<ScheduleSource> make_schedule(Plan plan, std::unique_ptr<BatchSource> batches, bool layers_only) {
  return std::make_unique<MappedSchedule>(std::move(plan), std::move(batches), layers_only);
}

std::unique_ptr<ScheduleSource> make_schedule(Plan plan, const ScheduleScope& scope) {
  auto batches = std::make_unique<LockstepBatches>(plan.workload, scope.decode_samples);
  return make_schedule(std::move(plan), std::move(batches), scope.layers_only);
}

std::unique_ptr<ScheduleSource> make_schedule(const System& system, const Model& model, const Workload& workload,
                                              const Dataflow& dataflow) {
  return make_schedule(make_plan(system, model, workload, dataflow));
}

}  // namespace bondsim
