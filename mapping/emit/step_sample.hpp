#pragma once
#include <cstdint>
#include <vector>

namespace bondsim {

/// A decode step that is simulated for itself and for its neighbours, whose contexts are nearly its own.
struct SampledStep {
  std::int64_t step = 0;        ///< 1 .. generated tokens
  std::int64_t stands_for = 1;  ///< steps, itself included
};

/// Cuts the decode steps into `samples` runs of neighbours, as equal as whole steps allow, and takes the middle one of each: exact
/// for whatever grows linearly with the context and whose runs are of odd length, half a step off otherwise. 0, or as many samples as
/// steps: every step.
std::vector<SampledStep> sample_steps(std::int64_t generated_tokens, std::int64_t samples);

}  // namespace bondsim
