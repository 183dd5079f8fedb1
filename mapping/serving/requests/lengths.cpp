#include "mapping/serving/requests/lengths.hpp"

#include <algorithm>
#include <boost/random/lognormal_distribution.hpp>
#include <cmath>

namespace bondsim::serving {
namespace {

/// A whole number from a log-normal distribution with this mean and this ratio of its standard deviation to it.
std::int64_t drawn(Random& random, double mean, double cv, std::int64_t longest) {
  const double variance = std::log1p(cv * cv);
  boost::random::lognormal_distribution<double> distribution(std::log(mean) - variance / 2, std::sqrt(variance));
  const double value = std::round(distribution(random));
  return static_cast<std::int64_t>(std::clamp(value, 1.0, static_cast<double>(longest)));
}

}  // namespace

Lengths::Pair Lengths::next(Random& random) {
  if (config_.lengths == LengthKind::fixed) return {config_.prompt_tokens, config_.output_tokens};
  if (config_.lengths == LengthKind::file) return of_file();
  Pair pair;
  pair.prompt = drawn(random, static_cast<double>(config_.prompt_tokens), config_.prompt_cv, config_.longest_prompt);
  pair.output = drawn(random, static_cast<double>(config_.output_tokens), config_.output_cv, config_.longest_output);
  return pair;
}

Lengths::Pair Lengths::of_file() {
  for (int opened = 0; opened < 2; ++opened) {
    if (!trace_) trace_ = open_trace(config_.lengths_format, config_.lengths_file);
    if (const auto row = trace_->next()) return {row->prompt_tokens, row->output_tokens};
    trace_.reset();
  }
  throw ConfigError(fmt::format("{}: no requests, at least one is expected", config_.lengths_file));
}

}  // namespace bondsim::serving
