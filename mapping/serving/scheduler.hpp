#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "mapping/llm/batch.hpp"
#include "mapping/llm/workload.hpp"
#include "mapping/serving/kv_pages.hpp"
#include "mapping/serving/policy.hpp"
#include "mapping/serving/serving_listener.hpp"
#include "mapping/speculation/acceptance.hpp"

namespace bondsim::serving {

/// What places of a plan have to do with each other's caches.
struct PlaceLayout {
  std::vector<int> alike;                                                ///< by place: those of equal number can share blocks; empty: all
  std::function<std::int64_t(int place, std::int64_t tokens)> reusable;  ///< of tokens in shared blocks, the first of them; null: all
};

/// Turns requests that come and go into batches, an iteration each. Owns the KV pages; what an iteration takes is the policy's choice.
class Scheduler : public BatchSource, private Turn {
 public:
  /// @param listener must outlive this
  Scheduler(const ServingConfig& config, std::unique_ptr<RequestSource> requests, ServingListener& listener, PlaceLayout layout = {});

  std::optional<BatchStep> next(Picoseconds now) override;
  /// Ends the run after the present iteration; requests that have not ended are left where they are.
  void stop() { stopped_ = true; }
  const KvPages& pages() const { return pages_; }
  /// What became of caches after the last step.
  const std::vector<CacheChange>& last_changes() const { return caches_; }
  /// Of the normal channels, with preemption by swap.
  std::int64_t free_swap_pages() const { return swap_free_; }

 private:
  const BatchingConfig& config() const override { return config_.batch; }
  const std::vector<Sequence*>& running() const override { return running_; }
  const Sequence* waiting() const override { return waiting_.empty() ? nullptr : waiting_.front().get(); }
  Sequence* admit() override;
  bool add(Sequence& sequence, std::int64_t tokens) override;
  std::int64_t tokens() const override { return tokens_; }

  void receive();
  bool fits(const Sequence& sequence) const;
  void choose();
  void resume();
  std::size_t choose_place(const Sequence& sequence, std::int64_t& blocks) const;
  int alike(std::size_t place) const { return layout_.alike.empty() ? 0 : layout_.alike.at(place); }
  void take_blocks(Sequence& sequence, std::size_t place, std::int64_t blocks);
  Sequence& give_place(std::size_t place);
  std::int64_t watermark_pages() const;
  void complete_iteration();
  void advance(Sequence& sequence, std::int64_t tokens);
  void decoded(Sequence& sequence);
  std::int64_t drawn_tokens(Sequence& sequence);
  void share_blocks(Sequence& sequence);
  void preempt(Sequence& sequence);
  void leave(Sequence& sequence, Ending ending);
  std::unique_ptr<Sequence> take_place(Sequence& sequence, const CacheChange& change);
  BatchStep step();
  Load load() const;

  ServingConfig config_;
  std::unique_ptr<RequestSource> requests_;
  ServingListener& listener_;
  std::unique_ptr<Policy> policy_;
  std::optional<speculation::Acceptance> acceptance_;  ///< with drafts
  PlaceLayout layout_;
  KvPages pages_;
  std::int64_t swap_free_;
  Picoseconds now_;
  std::int64_t iterations_ = 0;
  bool stopped_ = false;
  std::deque<std::unique_ptr<Sequence>> waiting_;
  std::vector<Sequence*> running_;                ///< by the time they got their place
  std::vector<std::unique_ptr<Sequence>> slots_;  ///< by place
  std::map<int, std::int64_t> turn_;              ///< of the iteration: new tokens by place
  std::vector<Sequence*> order_;                  ///< of the iteration, as the policy added them
  std::vector<CacheChange> caches_;               ///< since the last step
  std::int64_t tokens_ = 0;
};

/// The workload of a plan with a place for each request that may run at a time.
Workload serving_workload(const ServingConfig& config, LayerMode layers);

}  // namespace bondsim::serving
