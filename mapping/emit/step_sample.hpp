#pragma once
#include <cstdint>
#include <vector>

namespace bondsim {

/// A decode step that is simulated for itself and for its neighbours, whose contexts are nearly its own.
struct SampledStep {
  std::int64_t step = 0;        ///< 1 .. generated tokens
  std::int64_t stands_for = 1;  ///< steps, itself included
};

/// Cuts the decode steps into `samples` runs of neighbours, as equal as whole steps allow, and takes one of each. Of few
/// runs the middle: exact for whatever grows linearly with the context and whose runs are of odd length, half a step off otherwise. From
/// `scattered_samples` on at scattered places, two runs mirrored to one another: times that go up and down with the context (every second
/// token, every sixteenth) would be met at one phase by steps at equal distances. 0, or as many samples as steps: every step.
inline constexpr std::int64_t scattered_samples = 16;
std::vector<SampledStep> sample_steps(std::int64_t generated_tokens, std::int64_t samples);

}  // namespace bondsim
