#include "mapping/speculation/acceptance.hpp"

#include <numeric>

namespace bondsim::speculation {
/// @return the number of the draft that is taken, of those that follow one; -1: none
std::int64_t Acceptance::taken(double chance, int width, Draws& draws) const {
  for (int i = 0; i < width; ++i) {
    if (draws.next() < chance) return i;
  }
  return -1;
}

Accepted Acceptance::draw(int request, std::int64_t verification) {
  Draws draws(config_.seed, {request, verification});
  Accepted out;
  const bool traced = !config_.trace.empty();
  const int levels = traced ? config_.trace[at_++ % config_.trace.size()] : config_.depth;
  std::int64_t place = 0;
  for (int level = 0; level < levels; ++level) {
    const int width = config_.width_at(level);
    const std::int64_t branch =
        traced ? static_cast<std::int64_t>(draws.next() * width) : taken(config_.acceptance_at(level), width, draws);
    if (branch < 0) break;
    place = place * width + branch;
    out.places.push_back(place);
  }
  return out;
}

bool Acceptance::guesses(int request, std::int64_t verification) const {
  if (config_.acceptance.empty()) return false;  // a trace says nothing of it
  return Draws(config_.seed, {request, verification}).apart().next() < config_.acceptance.back();
}

double expected_tokens(const SpeculationConfig& c) {
  if (c.depth == 0) return 1;
  if (!c.trace.empty()) {
    return 1 + std::accumulate(c.trace.begin(), c.trace.end(), 0.0) / static_cast<double>(c.trace.size());
  }
  double sum = 1, level_chance = 1;  // of any draft of the level being reached
  for (int level = 0; level < c.depth; ++level) {
    const double a = c.acceptance_at(level);
    double any = 0, left = 1;
    for (int i = 0; i < c.width_at(level); ++i, left *= 1 - a) any += left * a;
    sum += level_chance *= any;
  }
  return sum;
}

}  // namespace bondsim::speculation
