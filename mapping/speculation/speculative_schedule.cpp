#include "mapping/speculation/speculative_schedule.hpp"

#include <deque>
#include <utility>

#include "mapping/speculation/copies.hpp"
#include "mapping/speculation/side_by_side.hpp"

namespace bondsim::speculation {
namespace {

/// A part of a round that comes after the one before: a step of one of the two, copies in one of the caches, or a verification beside steps
/// of the draft.
struct Stage {
  enum class Kind { target, draft, target_copies, draft_copies, beside };
  Kind kind = Kind::target;
  Batch batch;
  std::vector<TokenCopy> copies;
  std::vector<Batch> beside;
};

class SpeculativeSchedule : public ScheduleSource {
 public:
  explicit SpeculativeSchedule(Plans plans) : plans_(std::move(plans)), rounds_(plans_.target.workload), target_(plans_.target, {}) {
    if (plans_.draft) draft_.emplace(*plans_.draft, plans_.draft_scope);
    plans_.header.steps = static_cast<std::int32_t>(count_rounds(plans_.target.workload).rounds);
    begin_run();
  }

  const ScheduleHeader& header() const override { return plans_.header; }

  using ScheduleSource::next;
  bool next(Picoseconds, Block& block) override {
    while (!next_of_step(block)) {
      if (stages_.empty() && !begin_round()) return false;
      const Stage stage = std::move(stages_.front());
      stages_.pop_front();
      begin(stage);
    }
    return true;
  }

 private:
  /// The model's prompts give the first token; then the draft reads them. Where prompts are cached, they are in both caches.
  void begin_run() {
    if (plans_.target.workload.prompt_cached) return;
    Stage prompts;
    prompts.batch = lockstep_batch(plans_.target.workload, 0);
    stages_.push_back(prompts);
    if (!plans_.draft_has_cache) return;
    prompts.kind = Stage::Kind::draft;
    for (BatchEntry& r : prompts.batch.requests) r.yields = r.logits = 0;
    stages_.push_back(std::move(prompts));
  }

  bool begin_round() {
    std::optional<Round> round = rounds_.next();
    if (!round) return false;
    for (Batch& batch : round->drafts) stages_.push_back({Stage::Kind::draft, std::move(batch), {}, {}});
    const auto kind = round->drafts_beside.empty() ? Stage::Kind::target : Stage::Kind::beside;
    const std::int64_t number = round->verification.step;
    stages_.push_back({kind, std::move(round->verification), {}, std::move(round->drafts_beside)});
    add_copies(Stage::Kind::target_copies, number, std::move(round->copies));
    add_copies(Stage::Kind::draft_copies, number, std::move(round->draft_copies));
    return true;
  }

  void add_copies(Stage::Kind kind, std::int64_t number, std::vector<TokenCopy> copies) {
    if (copies.empty()) return;
    Stage stage{kind, {}, std::move(copies), {}};
    stage.batch.step = number;
    stages_.push_back(std::move(stage));
  }

  void begin(const Stage& stage) {
    const BatchStep step{stage.batch, 1, Picoseconds()};
    switch (stage.kind) {
      case Stage::Kind::target:
        return target_.begin(step);
      case Stage::Kind::draft:
        return draft_->begin(step);
      case Stage::Kind::target_copies:
        return copy(plans_.target, stage);
      case Stage::Kind::draft_copies:
        return copy(*plans_.draft, stage);
      case Stage::Kind::beside:
        blocks_.push_back(side_by_side(plans_.target.system, target_, *draft_, step, stage.beside));
    }
  }

  /// A block for each class of layers, or for each layer.
  void copy(const Plan& plan, const Stage& stage) {
    const auto add = [&](int layer, std::int64_t layers) {
      Block block;
      block.phase = Phase::decode;
      block.step = static_cast<std::int32_t>(stage.batch.step);
      block.layer = layer;
      block.layers = layers;
      emit_copies(plan, stage.copies, block);
      blocks_.push_back(std::move(block));
    };
    for (int layer = 0; plan.header.all_layers && layer < plan.model.layers; ++layer) add(layer, 1);
    if (plan.header.all_layers) return;
    for (const LayerClass& c : plan.model.classes()) add(c.first, c.count);
  }

  bool next_of_step(Block& block) {
    if (!blocks_.empty()) {
      block = std::move(blocks_.front());
      blocks_.pop_front();
      return true;
    }
    return target_.next(block) || (draft_ && draft_->next(block));
  }

  Plans plans_;
  Rounds rounds_;
  StepBlocks target_;
  std::optional<StepBlocks> draft_;
  std::deque<Stage> stages_;
  std::deque<Block> blocks_;  ///< made at once: copies, and what runs side by side
};

}  // namespace

std::unique_ptr<ScheduleSource> make_schedule(Plans plans) { return std::make_unique<SpeculativeSchedule>(std::move(plans)); }

}  // namespace bondsim::speculation
