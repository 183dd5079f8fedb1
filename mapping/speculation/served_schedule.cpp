#include "mapping/speculation/served_schedule.hpp"

#include <deque>
#include <map>
#include <utility>

#include "mapping/emit/cache_moves.hpp"

namespace bondsim::speculation {
namespace {

class ServedSchedule : public ScheduleSource {
 public:
  ServedSchedule(Plans plans, std::unique_ptr<BatchSource> batches)
      : plans_(std::move(plans)), batches_(std::move(batches)), moves_(plans_.target), target_(plans_.target) {
    if (plans_.draft) draft_.emplace(*plans_.draft, plans_.draft_scope);
  }

  const ScheduleHeader& header() const override { return plans_.header; }

  using ScheduleSource::next;
  bool next(Picoseconds now, Block& block) override {
    while (!moves_.next(block) && !target_.next(block) && !(draft_ && draft_->next(block))) {
      if (steps_.empty() && !begin_iteration(now)) return false;
      const auto [of_draft, step] = std::move(steps_.front());
      steps_.pop_front();
      (of_draft ? *draft_ : target_).begin(step);
    }
    return true;
  }

 private:
  bool begin_iteration(Picoseconds now) {
    std::optional<BatchStep> step = batches_->next(now);
    if (!step) return false;
    release(step->caches);
    moves_.begin(*step);
    if (draft_) add_drafts(*step);
    steps_.emplace_back(false, *step);
    if (plans_.draft_has_cache && step->batch.has(Phase::prefill)) {
      BatchStep prompts{step->batch.of(Phase::prefill), 1, step->not_before};
      for (BatchEntry& r : prompts.batch.requests) r.yields = r.logits = 0;
      steps_.emplace_back(true, std::move(prompts));
    }
    return true;
  }

  void release(const std::vector<CacheChange>& changes) {
    for (const CacheChange& change : changes) {
      if (change.event != CacheEvent::released && change.event != CacheEvent::swapped_out) continue;
      whole_.erase(change.request);
      if (plans_.draft_has_cache && plans_.draft->kv_table) plans_.draft->kv_table->release(change.request);
    }
  }

  /// The draft's steps: as many as a request has drafts, of heads one. After a draft that was accepted whole its last token is missing.
  void add_drafts(const BatchStep& step) {
    const Batch decode = step.batch.of(Phase::decode);
    std::int64_t depth = 0;
    for (const BatchEntry& r : decode.requests) depth = std::max(depth, r.tokens - 1);
    if (plans_.target.workload.speculation->draft == DraftKind::heads) depth = std::min<std::int64_t>(depth, 1);
    for (std::int64_t level = 0; level < depth; ++level) {
      BatchStep drafts{decode, 1, step.not_before};
      for (BatchEntry& r : drafts.batch.requests) {
        const std::int64_t rows = level == 0 && plans_.draft_has_cache && whole_[r.request] ? 2 : 1;
        r = {r.request, Phase::decode, rows, r.context - r.tokens + 1 + level, 0, 1};
      }
      steps_.emplace_back(true, std::move(drafts));
    }
    for (const BatchEntry& r : decode.requests) whole_[r.request] = r.yields == r.tokens;
  }

  Plans plans_;
  std::unique_ptr<BatchSource> batches_;
  CacheMoves moves_;
  StepBlocks target_;
  std::optional<StepBlocks> draft_;
  std::deque<std::pair<bool, BatchStep>> steps_;  ///< of the iteration; true: of the draft
  std::map<int, bool> whole_;                     ///< by place: its last draft was accepted whole
};

}  // namespace

std::unique_ptr<ScheduleSource> make_schedule(Plans plans, std::unique_ptr<BatchSource> batches) {
  return std::make_unique<ServedSchedule>(std::move(plans), std::move(batches));
}

}  // namespace bondsim::speculation
