#include "mapping/partition/split.hpp"

#include <algorithm>
#include <cmath>

#include "models/base/error.hpp"

namespace bondsim {

Range even_part(std::int64_t total, int parts, int index, std::int64_t granule) {
  if (total % granule != 0 || total / granule < parts) granule = 1;
  const std::int64_t granules = total / granule;
  const std::int64_t base = granules / parts;
  const std::int64_t longer = granules % parts;
  const std::int64_t begin = base * index + std::min<std::int64_t>(index, longer);
  const std::int64_t size = base + (index < longer ? 1 : 0);
  return {begin * granule, (begin + size) * granule};
}

int nearest_divisor(int channels, double real) {
  int best = 1;
  for (int d = 2; d <= channels; ++d) {
    if (channels % d == 0 && std::abs(d - real) < std::abs(best - real)) best = d;
  }
  return best;
}

GridSplit closed_form_split(std::int64_t k, std::int64_t n, int channels, double scatter_over_load) {
  check(k > 0 && n > 0 && channels > 0, "split of K = {}, N = {} over {} channels", k, n, channels);
  const double real = std::sqrt(static_cast<double>(channels) * static_cast<double>(k) / (static_cast<double>(n) * scatter_over_load));
  const int t_k = nearest_divisor(channels, real);
  return {t_k, channels / t_k};
}

}  // namespace bondsim
