#pragma once
#include <cstdint>
#include <vector>

#include "models/base/quantity.hpp"

namespace bondsim::serving {

/// A distribution of times in whole numbers from 0. Mean, least and greatest are exact. Percentiles are exact, between values linear as
/// numpy's, up to `exact_values` values; of more, within 0.05 % of the value
/// at the nearest rank: they are then kept in bins, so that memory does not grow.
class Distribution {
 public:
  static constexpr std::size_t exact_values = 1 << 16;

  void add(std::int64_t value);
  std::int64_t count() const { return count_; }
  double mean() const;
  double deviation() const;  ///< standard deviation
  std::int64_t least() const { return least_; }
  std::int64_t greatest() const { return greatest_; }
  /// @param p 0 to 1. 0 without values
  double percentile(double p) const;

 private:
  void count_in_bin(std::int64_t value);

  std::int64_t count_ = 0, least_ = 0, greatest_ = 0;
  long double sum_ = 0, squares_ = 0;
  mutable std::vector<std::int64_t> values_;  ///< empty once there are bins
  mutable bool sorted_ = true;
  std::vector<std::int64_t> bins_;
};

/// Averages of a quantity over time, in at most `bins` equal intervals whose width doubles as the time grows.
class TimeSeries {
 public:
  static constexpr std::size_t bins = 512;

  /// The quantity has `value` more from `begin` to `end`.
  void add(std::int64_t begin, std::int64_t end, std::int64_t value);
  std::int64_t width() const { return width_; }
  /// Mean of each interval; of the last one over its whole width.
  std::vector<double> means() const;
  WideInt area() const { return area_; }  ///< sum of value x time, exact

 private:
  std::int64_t width_ = 1'000'000'000;  ///< 1 ms in ps
  WideInt area_ = 0;
  std::vector<double> areas_;
};

}  // namespace bondsim::serving
