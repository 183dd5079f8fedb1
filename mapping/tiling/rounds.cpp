#include "mapping/tiling/rounds.hpp"

#include <algorithm>
#include <limits>

#include "models/base/quantity.hpp"
#include "models/nmp/tile_loop.hpp"

namespace bondsim {

std::vector<ProductRound> choose_rounds(std::int64_t products, int banks, const std::function<double(std::int64_t)>& round_ps) {
  std::vector<ProductRound> rounds;
  if (products >= banks) rounds.push_back({banks, products / banks});
  const std::int64_t rest = products % banks;
  if (rest == 0) return rounds;
  std::vector<double> of_round, best(static_cast<std::size_t>(rest) + 1, std::numeric_limits<double>::infinity());
  std::vector<std::int64_t> first(best.size(), 0);
  for (std::int64_t n = 0; n <= rest; ++n) of_round.push_back(n == 0 ? 0 : round_ps(n));
  best[0] = 0;
  for (std::size_t left = 1; left < best.size(); ++left) {
    // Of equal sums the one that begins with the largest round: it has the fewest.
    for (std::size_t n = left; n > 0; --n) {
      const double sum = of_round[n] + best[left - n];
      if (sum >= best[left]) continue;
      best[left] = sum;
      first[left] = static_cast<std::int64_t>(n);
    }
  }
  std::vector<std::int64_t> sizes;
  for (std::int64_t left = rest; left > 0; left -= sizes.back()) sizes.push_back(first[static_cast<std::size_t>(left)]);
  std::sort(sizes.rbegin(), sizes.rend());
  for (const std::int64_t size : sizes) {
    if (!rounds.empty() && rounds.back().products == size) {
      ++rounds.back().times;
    } else {
      rounds.push_back({size, 1});
    }
  }
  return rounds;
}

double rounds_estimate_ps(const std::vector<ProductRound>& rounds, const std::function<double(std::int64_t)>& round_ps) {
  double sum = 0;
  for (const ProductRound& r : rounds) sum += static_cast<double>(r.times) * round_ps(r.products);
  return sum;
}

double round_estimate_ps(const NmpConfig& nmp, const TilingProblem& p) {
  const auto stream = [&](std::int64_t bits) {
    const std::int64_t bytes = ceil_div(bits, std::int64_t{8});
    const std::int64_t accesses = ceil_div(bytes, p.port.access_bytes), whole_rows = bytes / p.port.page_bytes;
    return static_cast<double>(accesses * p.port.access + whole_rows * row_gap_ps(p.port));
  };
  const double compute = 1e6 / nmp.pe.clock_mhz *
                         static_cast<double>(TileLoop::compute_cycles(p.m, p.k, p.n, nmp.pe_for(p.bits.activation, p.bits.stationary)));
  const double weights = static_cast<double>(nmp.pe.reads_for(p.m)) * stream(p.n * p.k * p.bits.stationary);
  const double input = stream(ceil_div<std::int64_t>(p.count * p.m * p.k * p.bits.activation, std::max(1, p.banks)));
  const double output = stream(p.m * p.n * p.bits.output);
  // Input that does not fit comes again for each tile of columns that the accumulators hold.
  const std::int64_t columns =
      std::max<std::int64_t>(1, static_cast<std::int64_t>(nmp.pe.output_buffer_kib * 8192) / (p.m * p.bits.accumulator));
  const auto loads = static_cast<double>(input_resident(nmp, p) ? 1 : ceil_div(p.n, columns));
  const auto change = static_cast<double>(p.port.rtp + p.port.rp + p.port.rcd);
  const double changes = static_cast<double>(p.port.rcd) + (1 + loads) * change;
  return loads * input + (nmp.pe.overlaps_loads() ? std::max(compute, weights) : compute + weights) + output + changes;
}

}  // namespace bondsim
