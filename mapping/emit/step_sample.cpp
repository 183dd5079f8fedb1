#include "mapping/emit/step_sample.hpp"

namespace bondsim {

std::vector<SampledStep> sample_steps(std::int64_t generated_tokens, std::int64_t samples) {
  if (samples <= 0 || samples > generated_tokens) samples = generated_tokens;
  std::vector<SampledStep> steps;
  for (std::int64_t i = 0; i < samples; ++i) {
    const std::int64_t first = 1 + generated_tokens * i / samples;
    const std::int64_t next = 1 + generated_tokens * (i + 1) / samples;
    steps.push_back({(first + next) / 2, next - first});
  }
  return steps;
}

}  // namespace bondsim
