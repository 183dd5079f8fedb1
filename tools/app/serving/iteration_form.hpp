#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "mapping/cost/cost_model.hpp"
#include "mapping/speculation/plans.hpp"
#include "models/system/system.hpp"
#include "tools/app/serving/attention_load.hpp"
#include "tools/app/studies/estimated_counts.hpp"

namespace bondsim::tools {

/// What an iteration takes.
struct IterationCost {
  double ps = 0;
  double joules = 0;
  double of_decode = 0;  ///< part of its MACs
  double load = 0;       ///< of the batch it is of (AttentionLoad)

  Picoseconds length() const;
  Attojoules energy() const;
};

/// Lengths and energies of iterations by the closed form "detailed", kept by shape.
///
/// An iteration of decode alone takes the time of one with as many requests around their mean context, linear between contexts of a
/// grid; what the fullest channel has more to attend to than with equal contexts is added at the slope of the grid, and what a request of
/// each context, alone, takes more than the line between the grid's points, for each. Prompts are taken as they are, a lone prompt between
/// lengths of a grid. What an iteration of both phases has of decode is taken at the nearest grid point.
class IterationForm {
 public:
  IterationForm(const System& system, speculation::Plans plans);
  ~IterationForm();
  IterationForm(const IterationForm&) = delete;
  IterationForm& operator=(const IterationForm&) = delete;

  /// By the table.
  IterationCost cost(const Batch& batch);
  IterationCost cost(const BatchStep& step);
  /// Of caches that go to the normal channels or come back.
  IterationCost moves(const std::vector<CacheChange>& changes);
  /// By the closed form itself, and counted actions, without any table.
  IterationCost evaluate(const Batch& batch);
  /// While nothing runs.
  double idle_watts();
  std::int64_t evaluations() const { return evaluations_; }

 private:
  class OneBatch;
  using Key = std::vector<std::int64_t>;
  struct MoveCosts {
    IterationCost out, in;
  };

  IterationCost decode(const Batch& batch);
  IterationCost alone(const Batch& batch);
  IterationCost even(const Batch& batch, double context);
  IterationCost prompt(const Batch& batch);
  const IterationCost& kept(const Key& key, const Batch& batch);
  void add(const Block& block, Ledger& ledger, IterationCost& cost) const;
  const MoveCosts& move_costs(std::int64_t tokens);

  System system_;
  std::unique_ptr<cost::CostModel> form_;
  CommandCount count_;
  AttentionLoad load_;
  OneBatch* batches_;  ///< owned by schedule_
  std::unique_ptr<ScheduleSource> schedule_;
  bool by_place_;         ///< which channels a request has depends on its place
  std::int64_t longest_;  ///< context that has a place
  std::map<Key, IterationCost> table_;
  std::map<std::int64_t, MoveCosts> moves_;  ///< by tokens
  std::int64_t page_tokens_;
  std::int64_t evaluations_ = 0;
};

}  // namespace bondsim::tools
