#pragma once
#include <cstddef>
#include <vector>

#include "mapping/emit/step_sample.hpp"
#include "mapping/llm/batch.hpp"

namespace bondsim {

/// The batches of a fixed workload: all requests are prefilled together, then each gets a token a step.
class LockstepBatches : public BatchSource {
 public:
  /// @param decode_samples decode steps taken, evenly, each for its neighbours; 0: all
  LockstepBatches(Workload workload, std::int64_t decode_samples);
  std::optional<BatchStep> next(Picoseconds now) override;

 private:
  Workload workload_;
  std::vector<SampledStep> steps_;
  std::size_t at_ = 0;
};

}  // namespace bondsim
