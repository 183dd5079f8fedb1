#include "mapping/speculation/sample.hpp"

#include <deque>

namespace bondsim::speculation {
namespace {

class SampledSchedule : public ScheduleSource {
 public:
  SampledSchedule(Plans plans, SampledPart part, std::int64_t context)
      : plans_(std::move(plans)), part_(part), tree_(*plans_.target.workload.speculation), target_(plans_.target) {
    if (plans_.draft) draft_.emplace(*plans_.draft, plans_.draft_scope);
    plans_.header.steps = 1;
    const bool drafts = part == SampledPart::draft || part == SampledPart::caught_up;
    if (drafts && plans_.draft) {
      add_drafts(context);
    } else if (!drafts) {
      const std::int64_t rows = part == SampledPart::plain ? 1 : tree_.rows();
      batches_.push_back(batch_of(context, rows, rows - 1, rows));
    }
  }

  const ScheduleHeader& header() const override { return plans_.header; }

  using ScheduleSource::next;
  bool next(Picoseconds, Block& block) override {
    while (!target_.next(block) && !(draft_ && draft_->next(block))) {
      if (batches_.empty()) return false;
      const BatchStep step{batches_.front(), 1, Picoseconds()};
      batches_.pop_front();
      const bool verifies = part_ == SampledPart::plain || part_ == SampledPart::verification;
      (verifies ? target_ : *draft_).begin(step);
    }
    return true;
  }

 private:
  /// @param beyond tokens of the context after the known ones
  Batch batch_of(std::int64_t context, std::int64_t rows, std::int64_t beyond, std::int64_t logits) const {
    Batch batch;
    batch.step = 1;
    const int n = plans_.target.workload.batch;
    for (int r = 0; r < n; ++r) {
      // Lockstep has equal contexts; requests that left it have none alike.
      const std::int64_t known = std::max<std::int64_t>(rows + 1, context + (part_ == SampledPart::plain ? 0 : r - n / 2));
      batch.requests.push_back({r, Phase::decode, rows, known + beyond, 0, logits});
    }
    return batch;
  }

  void add_drafts(std::int64_t context) {
    const bool heads = plans_.target.workload.speculation->draft == DraftKind::heads;
    for (int step = 0; step < (heads ? 1 : tree_.depth()); ++step) {
      const bool first = step == 0;
      const std::int64_t rows = first ? 1 + (part_ == SampledPart::caught_up && plans_.draft_has_cache ? 1 : 0) : tree_.drafts_at(step - 1);
      batches_.push_back(batch_of(context, rows, tree_.before(step), first ? 1 : rows));
    }
  }

  Plans plans_;
  SampledPart part_;
  TokenTree tree_;
  StepBlocks target_;
  std::optional<StepBlocks> draft_;
  std::deque<Batch> batches_;
};

}  // namespace

std::unique_ptr<ScheduleSource> sample_schedule(Plans plans, SampledPart part, std::int64_t context) {
  return std::make_unique<SampledSchedule>(std::move(plans), part, context);
}

}  // namespace bondsim::speculation
