#pragma once
#include <deque>
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

/// Turns requests that come and go into batches, an iteration each. Owns the KV pages; what an iteration takes is the policy's choice.
class Scheduler : public BatchSource, private Turn {
 public:
  /// @param listener must outlive this
  Scheduler(const ServingConfig& config, std::unique_ptr<RequestSource> requests, ServingListener& listener);

  std::optional<BatchStep> next(Picoseconds now) override;
  /// Ends the run after the present iteration; requests that have not ended are left where they are.
  void stop() { stopped_ = true; }
  const KvPages& pages() const { return pages_; }

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
  void complete_iteration();
  void advance(Sequence& sequence, std::int64_t tokens);
  void decoded(Sequence& sequence);
  std::int64_t drawn_tokens(Sequence& sequence);
  void share_blocks(Sequence& sequence);
  void preempt(Sequence& sequence);
  void leave(Sequence& sequence, Ending ending);
  std::unique_ptr<Sequence> take_place(Sequence& sequence);
  BatchStep step();
  Load load() const;

  ServingConfig config_;
  std::unique_ptr<RequestSource> requests_;
  ServingListener& listener_;
  std::unique_ptr<Policy> policy_;
  std::optional<speculation::Acceptance> acceptance_;  ///< with drafts
  KvPages pages_;
  Picoseconds now_;
  std::int64_t iterations_ = 0;
  bool stopped_ = false;
  std::deque<std::unique_ptr<Sequence>> waiting_;
  std::vector<Sequence*> running_;                ///< by the time they got their place
  std::vector<std::unique_ptr<Sequence>> slots_;  ///< by place
  std::map<int, std::int64_t> turn_;              ///< of the iteration: new tokens by place
  std::vector<Sequence*> order_;                  ///< of the iteration, as the policy added them
  std::vector<int> released_;                     ///< places given up since the last step
  std::int64_t tokens_ = 0;
};

/// The workload of a plan with a place for each request that may run at a time.
Workload serving_workload(const ServingConfig& config, LayerMode layers);

}  // namespace bondsim::serving
