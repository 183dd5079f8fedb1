#pragma once
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "mapping/plan/plan.hpp"
#include "mapping/serving/scheduler.hpp"
#include "tools/app/serving/request_trace.hpp"
#include "tools/app/serving/serve.hpp"

namespace bondsim::tools {

/// Passes on what a scheduler decides, and tells of each iteration that has ended. With `reuse_pages`, an iteration whose contexts have as
/// many pages as those of an earlier one takes that one's time and energy instead of being handed out; every 16th of them is handed out all
/// the same, and shows the error.
class Service : public BatchSource {
 public:
  /// @param plan whose places the requests get @param options, record must outlive this
  Service(const Experiment& experiment, const Plan& plan, const ServeOptions& options, serving::ServingRecord& record);

  std::optional<BatchStep> next(Picoseconds now) override;
  /// Tells iterations.csv what each step takes by this, beside what it took.
  void compare_with(std::function<Picoseconds(const BatchStep&)> form) { form_ = std::move(form); }
  /// Energy of a part of the iteration under way. @param of_decode as ServingRecord::energy()
  void energy(Attojoules total, double of_decode);
  /// Whether the run was stopped before its requests had ended.
  bool stopped() const { return stopped_ && record_.in_system() > 0; }
  const ReuseFigures& reuse() const { return reuse_; }

 private:
  using Signature = std::vector<std::int64_t>;
  struct Known {
    Picoseconds length;
    Attojoules energy;
    double of_decode = 0;
    std::int64_t uses = 0;
  };

  Signature signature_of(const Batch& batch) const;
  void learn(Picoseconds length);
  bool take_known(Picoseconds now);
  void end_iteration(Picoseconds now);

  const ServeOptions& options_;
  serving::ServingRecord& record_;
  ServingListeners listeners_;
  serving::Scheduler scheduler_;
  std::int64_t page_tokens_;
  std::optional<BatchStep> present_;
  std::function<Picoseconds(const BatchStep&)> form_;  ///< empty: nobody compares
  std::vector<CacheChange> caches_;                    ///< of iterations that were not handed out
  bool stopped_ = false;
  Picoseconds skipped_;     ///< time of iterations that were not handed out: the run's time is that of who asks, and this
  Picoseconds handed_out_;  ///< the iteration under way began, in the time of who asks
  bool under_way_ = false;
  Known measured_;  ///< energy of the iteration under way
  std::map<Signature, Known> known_;
  ReuseFigures reuse_;
};

}  // namespace bondsim::tools
