#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace bondsim {

/// The smallest of the values that a share of them (0 to 1) does not exceed, by nearest rank: always one of the values, so that a time
/// stays exact. Distributions of requests interpolate instead, as numpy does (mapping/serving/distribution.hpp).
/// @param values at least one; reordered
template <class T>
T nearest_rank(std::vector<T>& values, double share) {
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(std::clamp<std::size_t>(rank, 1, values.size()) - 1);
  std::nth_element(values.begin(), nth, values.end());
  return *nth;
}

}  // namespace bondsim
