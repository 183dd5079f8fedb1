#include "mapping/tiling/dies.hpp"

#include <algorithm>

#include "models/base/quantity.hpp"

namespace bondsim {

DieSystem decode_dies(const ConfigNode& node) { return decode_document<DieSystem>(node, "dies", "bondsim.dies/1"); }

double pipelined_us(const DieSystem& d, std::int64_t m, std::int64_t k, std::int64_t n) {
  const auto us = [](double bytes, double gbps) { return bytes / gbps * 1e-3; };
  const std::int64_t k_tiles = ceil_div(k, d.k_tile);
  const std::int64_t n_tiles = ceil_div(n, d.n_tile);
  const auto k_of = [&](std::int64_t i) { return static_cast<double>(std::min(d.k_tile, k - i * d.k_tile)); };
  const auto n_of = [&](std::int64_t j) { return static_cast<double>(std::min(d.n_tile, n - j * d.n_tile)); };
  const auto rows = static_cast<double>(m);

  double link = 0;  // free from then on
  std::vector<double> arrived;
  for (std::int64_t i = 0; i < k_tiles; ++i) arrived.push_back(link += us(rows * k_of(i) * d.activation_bits / 8, d.link_gbps));
  double array = 0;
  for (std::int64_t j = 0; j < n_tiles; ++j) {
    for (std::int64_t i = 0; i < k_tiles; ++i) {
      const double compute = rows * k_of(i) * n_of(j) / (d.tera_macs_per_s * 1e6);
      const double weights = us(k_of(i) * n_of(j) * d.weight_bits / 8, d.internal_gbps);
      array = std::max(array, arrived[static_cast<std::size_t>(i)]) + std::max(compute, weights);
    }
    link = std::max(link, array) + us(rows * n_of(j) * d.output_bits / 8, d.link_gbps);
  }
  return link;
}

double pipelined_us(const DieSystem& d, std::int64_t m, std::int64_t k, std::int64_t n, const GridSplit& split) {
  double slowest = 0;
  for (int die = 0; die < split.channels(); ++die) {
    slowest = std::max(slowest, pipelined_us(d, m, split.k_of(die, k, 1).size(), split.n_of(die, n).size()));
  }
  return slowest;
}

}  // namespace bondsim
