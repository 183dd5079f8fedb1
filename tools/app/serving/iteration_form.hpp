#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "mapping/cost/cost_model.hpp"
#include "mapping/emit/mapper.hpp"
#include "models/system/system.hpp"

namespace bondsim::tools {

/// Lengths of iterations by the closed form "detailed", kept by shape.
///
/// An iteration of decode alone takes the time of one with as many requests around their mean context, linear between contexts of a
/// grid; what a request of each context, alone, takes more than the line between the grid's points is added for each. Prompts are taken as
/// they are, a lone prompt between lengths of a grid. What an iteration of both phases has of decode is taken at the nearest grid point.
class IterationForm {
 public:
  IterationForm(const System& system, Plan plan);
  ~IterationForm();
  IterationForm(const IterationForm&) = delete;
  IterationForm& operator=(const IterationForm&) = delete;

  Picoseconds length(const Batch& batch);
  /// The closed form of the iteration itself, without any table.
  Picoseconds evaluate(const Batch& batch);
  std::int64_t evaluations() const { return evaluations_; }

 private:
  class OneBatch;
  using Key = std::vector<std::int64_t>;

  double decode_ps(const Batch& batch);
  double alone_ps(const Batch& batch);
  double even_ps(const Batch& batch, double context);
  double prompt_ps(const Batch& batch);
  double kept(const Key& key, const Batch& batch);

  System system_;
  std::unique_ptr<cost::CostModel> form_;
  OneBatch* batches_;  ///< owned by schedule_
  std::unique_ptr<ScheduleSource> schedule_;
  bool by_place_;         ///< which channels a request has depends on its place
  std::int64_t longest_;  ///< context that has a place
  std::map<Key, double> table_;
  std::int64_t evaluations_ = 0;
};

}  // namespace bondsim::tools
