#include "mapping/tiling/split.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "models/base/error.hpp"

namespace bondsim {

int GridSplit::channels() const { return std::accumulate(rows.begin(), rows.end(), 0); }

bool GridSplit::even() const { return std::adjacent_find(rows.begin(), rows.end(), std::not_equal_to<>()) == rows.end(); }

std::string GridSplit::text() const {
  if (rows.empty()) return "none";
  return even() ? fmt::format("{} x {}", t_k(), rows.front()) : fmt::format("{} ({})", t_k(), fmt::join(rows, " + "));
}

GridSplit::Cell GridSplit::cell(int channel) const {
  Cell c;
  c.column = channel;
  while (c.column >= rows[static_cast<std::size_t>(c.row)]) {
    c.column -= rows[static_cast<std::size_t>(c.row)];
    c.before += rows[static_cast<std::size_t>(c.row)];
    ++c.row;
  }
  return c;
}

Range GridSplit::k_of(int channel, std::int64_t k, std::int64_t granule) const {
  const Cell c = cell(channel);
  if (k % granule != 0 || k / granule < t_k()) granule = 1;
  const std::int64_t granules = k / granule;
  const auto border = [&](int upto) { return granules * upto / channels() * granule; };
  return {border(c.before), border(c.before + rows[static_cast<std::size_t>(c.row)])};
}

Range GridSplit::n_of(int channel, std::int64_t n) const {
  const Cell c = cell(channel);
  return even_part(n, rows[static_cast<std::size_t>(c.row)], c.column, 1);
}

GridSplit grid_of(int channels, int t_k) {
  GridSplit split;
  for (int r = 0; r < t_k; ++r) split.rows.push_back(channels / t_k + (r < channels % t_k ? 1 : 0));
  return split;
}

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
  return grid_of(channels, nearest_divisor(channels, real));
}

SplitChoice search_split(int channels, const GridSplit& fallback, const std::function<double(const GridSplit&)>& cost) {
  SplitChoice best;
  best.split = fallback;
  best.fallback_cost = cost(fallback);
  best.cost = best.fallback_cost;
  for (int t_k = 1; t_k <= channels; ++t_k) {
    const GridSplit candidate = grid_of(channels, t_k);
    const double c = cost(candidate);
    if (c < best.cost) {
      best.split = candidate;
      best.cost = c;
    }
  }
  return best;
}

}  // namespace bondsim
