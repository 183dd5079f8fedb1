#include "mapping/emit/step_sample.hpp"

#include <cmath>

namespace bondsim {
namespace {

/// Place of run `i` in it, from 0 to 1: the multiples of the golden ratio spread evenly and meet no period.
double place(std::int64_t i) {
  const std::int64_t pair = i / 2;
  const double u = std::fmod((static_cast<double>(pair) + 0.5) * 0.6180339887498949, 1.0);
  return i % 2 == 0 ? u : 1 - u;
}

}  // namespace

std::vector<SampledStep> sample_steps(std::int64_t generated_tokens, std::int64_t samples) {
  if (samples <= 0 || samples > generated_tokens) samples = generated_tokens;
  std::vector<SampledStep> steps;
  for (std::int64_t i = 0; i < samples; ++i) {
    const std::int64_t first = 1 + generated_tokens * i / samples;
    const std::int64_t next = 1 + generated_tokens * (i + 1) / samples;
    const auto scattered = [&] { return first + static_cast<std::int64_t>(place(i) * static_cast<double>(next - first)); };
    steps.push_back({samples < scattered_samples ? (first + next) / 2 : scattered(), next - first});
  }
  return steps;
}

}  // namespace bondsim
