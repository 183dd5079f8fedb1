#pragma once
#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>

#include "models/base/error.hpp"
#include "models/base/quantity.hpp"

namespace bondsim {

/// A clock whose n-th edge is computed from n, so rounding never accumulates. Edge 0 is at time 0.
/// The period is the exact fraction `numerator / denominator` of a picosecond.
class Clock {
 public:
  Clock() = default;

  /// @param khz frequency; 1 kHz is the resolution of every clock key in the configuration.
  static Clock from_khz(std::int64_t khz) {
    check(khz > 0, "clock frequency must be positive, got {} kHz", khz);
    const std::int64_t ps_per_ms = 1'000'000'000;
    const std::int64_t g = std::gcd(ps_per_ms, khz);
    Clock c;
    c.numerator_ = ps_per_ms / g;
    c.denominator_ = khz / g;
    c.narrow_ = std::numeric_limits<std::int64_t>::max() / std::max(c.numerator_, c.denominator_);
    return c;
  }

  /// Time of edge `n` (rounded down to a whole picosecond).
  Picoseconds edge(std::int64_t n) const {
    if (denominator_ == 1) return Picoseconds(n * numerator_);
    if (n >= 0 && n <= narrow_) return Picoseconds(n * numerator_ / denominator_);
    return Picoseconds(static_cast<std::int64_t>(static_cast<WideInt>(n) * numerator_ / denominator_));
  }

  /// Whether the period is a whole number of picoseconds, so that edges as far apart in cycles are as far apart in time.
  bool whole_picoseconds() const { return denominator_ == 1; }

  /// First edge at or after `t`.
  std::int64_t edge_at_or_after(Picoseconds t) const {
    std::int64_t n = edge_before_or_at(t);
    return edge(n) < t ? n + 1 : n;
  }

  /// Last edge at or before `t` (t >= 0).
  std::int64_t edge_before_or_at(Picoseconds t) const {
    if (denominator_ == 1) return t.value / numerator_;
    std::int64_t n = 0;
    if (t.value >= 0 && t.value <= narrow_) {
      n = t.value * denominator_ / numerator_;
    } else {
      n = static_cast<std::int64_t>(static_cast<WideInt>(t.value) * denominator_ / numerator_);
    }
    return edge(n + 1) <= t ? n + 1 : n;
  }

 private:
  std::int64_t numerator_ = 1;
  std::int64_t denominator_ = 1;
  std::int64_t narrow_ = std::numeric_limits<std::int64_t>::max();  ///< up to here no product needs wide arithmetic, which is slow
};

}  // namespace bondsim
