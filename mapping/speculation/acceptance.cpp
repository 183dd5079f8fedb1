#include "mapping/speculation/acceptance.hpp"

#include <numeric>

namespace bondsim::speculation {
namespace {

/// SplitMix64 (Steele, Lea and Flood, OOPSLA'14): a number from a number, the same on every machine.
std::uint64_t mixed(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

std::uint64_t state_of(std::uint64_t seed, int request, std::int64_t verification) {
  return mixed(mixed(seed ^ mixed(static_cast<std::uint64_t>(request))) ^ mixed(static_cast<std::uint64_t>(verification)));
}

/// In [0, 1).
double next(std::uint64_t& state) { return static_cast<double>(mixed(state++) >> 11) * 0x1.0p-53; }

}  // namespace

/// @return the number of the draft that is taken, of those that follow one; -1: none
std::int64_t Acceptance::taken(double chance, int width, std::uint64_t& state) const {
  for (int i = 0; i < width; ++i) {
    if (next(state) < chance) return i;
  }
  return -1;
}

Accepted Acceptance::draw(int request, std::int64_t verification) {
  std::uint64_t state = state_of(config_.seed, request, verification);
  Accepted out;
  const bool traced = !config_.trace.empty();
  const int levels = traced ? config_.trace[at_++ % config_.trace.size()] : config_.depth;
  std::int64_t place = 0;
  for (int level = 0; level < levels; ++level) {
    const int width = config_.width_at(level);
    const std::int64_t branch = traced ? static_cast<std::int64_t>(next(state) * width) : taken(config_.acceptance_at(level), width, state);
    if (branch < 0) break;
    place = place * width + branch;
    out.places.push_back(place);
  }
  return out;
}

bool Acceptance::guesses(int request, std::int64_t verification) const {
  std::uint64_t state = mixed(state_of(config_.seed, request, verification));
  if (config_.acceptance.empty()) return false;  // a trace says nothing of it
  return next(state) < config_.acceptance.back();
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
