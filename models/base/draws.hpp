#pragma once
#include <cstdint>
#include <initializer_list>

namespace bondsim {

/// Random numbers in [0, 1) that depend on a seed and on where they are drawn, and on nothing else: the same on every machine, whatever was
/// drawn elsewhere.
class Draws {
 public:
  /// @param place what tells this place from others of the seed: a layer, a step, a token
  Draws(std::uint64_t seed, std::initializer_list<std::int64_t> place) : state_(seed) {
    for (const std::int64_t part : place) state_ = mixed(state_ ^ mixed(static_cast<std::uint64_t>(part)));
  }
  double next() { return static_cast<double>(mixed(state_++) >> 11) * 0x1.0p-53; }
  /// Others of the same place.
  Draws apart() const {
    Draws other = *this;
    other.state_ = mixed(state_);
    return other;
  }

 private:
  /// SplitMix64 (Steele, Lea and Flood, OOPSLA'14): a number from a number.
  static constexpr std::uint64_t mixed(std::uint64_t x) {
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
  }

  std::uint64_t state_;
};

}  // namespace bondsim
