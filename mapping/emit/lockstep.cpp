#include "mapping/emit/lockstep.hpp"

#include <utility>

namespace bondsim {

LockstepBatches::LockstepBatches(Workload workload, std::int64_t decode_samples)
    : workload_(std::move(workload)), steps_(sample_steps(workload_.generated_tokens, decode_samples)) {
  if (!workload_.prompt_cached) steps_.insert(steps_.begin(), SampledStep{0, 1});  // the prefill
}

std::optional<BatchStep> LockstepBatches::next(Picoseconds) {
  if (at_ >= steps_.size()) return std::nullopt;
  const SampledStep& sample = steps_[at_++];
  return BatchStep{lockstep_batch(workload_, sample.step), sample.stands_for, Picoseconds()};
}

}  // namespace bondsim
