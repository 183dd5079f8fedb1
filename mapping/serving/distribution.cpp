#include "mapping/serving/distribution.hpp"

#include <algorithm>
#include <cmath>

namespace bondsim::serving {
namespace {

/// Values below 2^11 have a bin each; above, each power of two has 2^10 bins.
constexpr int fine_bits = 10;

std::size_t bin_of(std::int64_t value) {
  const auto v = static_cast<std::uint64_t>(value);
  const int top = 63 - __builtin_clzll(v | 1);
  const int shift = std::max(0, top - fine_bits);
  return static_cast<std::size_t>(shift) * (std::size_t{1} << fine_bits) + static_cast<std::size_t>(v >> shift);
}

/// Middle of a bin.
double value_of(std::size_t bin) {
  const std::size_t size = std::size_t{1} << fine_bits;
  if (bin < 2 * size) return static_cast<double>(bin);
  const int shift = static_cast<int>(bin / size) - 1;
  const double base = static_cast<double>(bin % size + size);
  return std::ldexp(base + 0.5, shift) - 0.5;
}

}  // namespace

void Distribution::add(std::int64_t value) {
  least_ = count_ == 0 ? value : std::min(least_, value);
  greatest_ = std::max(greatest_, value);
  ++count_;
  sum_ += static_cast<long double>(value);
  squares_ += static_cast<long double>(value) * static_cast<long double>(value);
  if (!bins_.empty()) return count_in_bin(value);
  values_.push_back(value);
  sorted_ = false;
  if (values_.size() < exact_values) return;
  for (const std::int64_t v : values_) count_in_bin(v);
  values_ = {};
}

void Distribution::count_in_bin(std::int64_t value) {
  const std::size_t bin = bin_of(value);
  if (bin >= bins_.size()) bins_.resize(bin + 1);
  ++bins_[bin];
}

double Distribution::mean() const { return count_ == 0 ? 0 : static_cast<double>(sum_ / static_cast<long double>(count_)); }

double Distribution::deviation() const {
  if (count_ == 0) return 0;
  const long double mean = sum_ / static_cast<long double>(count_);
  return static_cast<double>(std::sqrt(std::max<long double>(0, squares_ / static_cast<long double>(count_) - mean * mean)));
}

double Distribution::percentile(double p) const {
  if (count_ == 0) return 0;
  const double rank = p * static_cast<double>(count_ - 1);
  if (bins_.empty()) {
    if (!sorted_) std::sort(values_.begin(), values_.end());
    sorted_ = true;
    const auto below = static_cast<std::size_t>(rank);
    const auto above = std::min(below + 1, values_.size() - 1);
    const auto low = static_cast<double>(values_[below]), high = static_cast<double>(values_[above]);
    return low + (rank - std::floor(rank)) * (high - low);
  }
  const std::int64_t nearest = std::llround(rank);
  if (nearest + 1 >= count_) return static_cast<double>(greatest_);
  std::int64_t before = 0;
  for (std::size_t bin = 0; bin < bins_.size(); ++bin) {
    before += bins_[bin];
    if (before > nearest) {
      return std::clamp(value_of(bin), static_cast<double>(least_), static_cast<double>(greatest_));
    }
  }
  return static_cast<double>(greatest_);
}

void TimeSeries::add(std::int64_t begin, std::int64_t end, std::int64_t value) {
  if (end <= begin) return;
  area_ += static_cast<WideInt>(value) * (end - begin);
  while (end > width_ * static_cast<std::int64_t>(bins)) {
    for (std::size_t i = 0; i < areas_.size(); i += 2) areas_[i / 2] = areas_[i] + (i + 1 < areas_.size() ? areas_[i + 1] : 0);
    areas_.resize((areas_.size() + 1) / 2);
    width_ *= 2;
  }
  const auto last = static_cast<std::size_t>((end - 1) / width_);
  if (last >= areas_.size()) areas_.resize(last + 1);
  for (auto bin = static_cast<std::size_t>(begin / width_); bin <= last; ++bin) {
    const auto from = std::max(begin, static_cast<std::int64_t>(bin) * width_);
    const auto to = std::min(end, (static_cast<std::int64_t>(bin) + 1) * width_);
    areas_[bin] += static_cast<double>(value) * static_cast<double>(to - from);
  }
}

std::vector<double> TimeSeries::means() const {
  std::vector<double> out;
  for (const double area : areas_) out.push_back(area / static_cast<double>(width_));
  return out;
}

}  // namespace bondsim::serving
