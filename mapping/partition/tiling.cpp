#include "mapping/partition/tiling.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include "models/base/quantity.hpp"
#include "models/nmp/tile_program.hpp"

namespace bondsim {
namespace {

/// Among tilings this close to the cheapest, the one with the fewest pieces is taken: fewer commands for the NMP controller.
constexpr double cost_tolerance = 0.01;

std::int64_t bytes_of(std::int64_t elements, int bits) { return ceil_div(elements * bits, std::int64_t{8}); }

std::int64_t capacity(double kib) { return static_cast<std::int64_t>(kib * 1024.0); }

/// Tile sizes worth a try: `total` in 1, 2, 3 ... equal parts rounded up to `step`, and `total` itself, none above `limit`; below the
/// smallest, its half and so on.
std::vector<std::int64_t> candidates(std::int64_t total, std::int64_t step, std::int64_t limit, std::int64_t fixed) {
  std::vector<std::int64_t> out;
  if (fixed > 0) return {std::min(fixed, total)};
  for (std::int64_t parts = 1; out.size() < 24; ++parts) {
    const std::int64_t size = std::min(total, ceil_div(ceil_div(total, parts), step) * step);
    if (size <= limit && (out.empty() || out.back() != size)) out.push_back(size);
    if (size <= step) break;
    if (size > limit) parts = std::max(parts, total / limit - 1);
  }
  if (out.empty() && limit >= 1) out.push_back(std::min(limit, total));
  // Less than a step wastes FPUs, but may be all that fits.
  while (!out.empty() && out.back() > 1) out.push_back(out.back() / 2);
  return out;
}

}  // namespace

TilingFootprint footprint(const NmpConfig& nmp, const TilingProblem& p, const NmpTiling& t) {
  return {bytes_of(t.n_tile * std::min<std::int64_t>(t.k_tile, nmp.pe.macs_per_fpu), p.bits.stationary),
          p.count * bytes_of(p.m * t.k_tile, p.bits.activation), bytes_of(p.m * t.n_tile, p.bits.accumulator)};
}

bool input_resident(const NmpConfig& nmp, const TilingProblem& p) {
  return p.count * bytes_of(p.m * p.k, p.bits.activation) <= capacity(nmp.input_buffer_kib);
}

double row_change_ps(const DramConfig& dram) {
  return 2.0 * 1e6 / dram.timing.ck_mhz * static_cast<double>(dram.timing.n_rp_pb + dram.timing.n_rcd);
}

bool fits(const NmpConfig& nmp, const TilingProblem& p, const NmpTiling& t) {
  if (t.n_tile < 1 || t.k_tile < 1) return false;
  const TilingFootprint f = footprint(nmp, p, t);
  const std::int64_t weights = capacity(nmp.pe.weight_buffer_kib) / (nmp.pe.double_buffered_weights ? 2 : 1);
  return f.weight_bytes <= weights && f.input_bytes <= capacity(nmp.input_buffer_kib) &&
         f.output_bytes <= capacity(nmp.pe.output_buffer_kib);
}

double tiling_cost_ps(const NmpConfig& nmp, const TilingProblem& p, const NmpTiling& t) {
  const double ps_per_byte = 1000.0 / nmp.hb.bandwidth_gbps;
  const double cycle_ps = 1e6 / nmp.pe.clock_mhz;
  const std::int64_t n_tiles = ceil_div(p.n, t.n_tile);
  const std::int64_t k_tiles = ceil_div(p.k, t.k_tile);
  const std::int64_t piece = TileProgram::piece_rows(std::min(t.k_tile, p.k), std::min(t.n_tile, p.n), p.bits.stationary, nmp.pe);
  const auto cycles = [&](std::int64_t n, std::int64_t k) { return static_cast<double>(TileProgram::compute_cycles(p.m, k, n, nmp.pe)); };
  // Cycles of all pieces of a column tile: those of the full k tiles, and those of the last one.
  const auto column_cycles = [&](std::int64_t n) {
    const auto tile_cycles = [&](std::int64_t k) { return static_cast<double>(k / piece) * cycles(n, piece) + cycles(n, k % piece); };
    return static_cast<double>(k_tiles - 1) * tile_cycles(t.k_tile) + tile_cycles(p.k - (k_tiles - 1) * t.k_tile);
  };
  const std::int64_t last_n = p.n - (n_tiles - 1) * t.n_tile;
  const double compute = cycle_ps * (static_cast<double>(n_tiles - 1) * column_cycles(t.n_tile) + column_cycles(last_n));
  const double load = ps_per_byte * static_cast<double>(bytes_of(p.n * p.k, p.bits.stationary));
  const double first_load = ps_per_byte * static_cast<double>(bytes_of(std::min(t.n_tile, p.n) * piece, p.bits.stationary));
  const double last_compute = cycle_ps * cycles(last_n, piece);
  const double tiles = nmp.pe.double_buffered_weights ? std::max(load + last_compute, first_load + compute) : load + compute;

  const bool output_stationary = t.order == LoopOrder::output_stationary;
  const bool resident = input_resident(nmp, p);
  const double input_passes = output_stationary && !resident ? static_cast<double>(n_tiles) : 1.0;
  const double input_loads = resident ? 1.0 : input_passes * static_cast<double>(k_tiles);
  const double input = input_passes * ps_per_byte * static_cast<double>(p.count * bytes_of(p.m * p.k, p.bits.activation)) / p.banks;
  const auto output_bytes = static_cast<double>(bytes_of(p.m * p.n, p.bits.output));
  const double spill_bytes =
      output_stationary ? 0.0 : 2.0 * static_cast<double>(k_tiles - 1) * static_cast<double>(bytes_of(p.m * p.n, p.bits.accumulator));
  const double stores = static_cast<double>(n_tiles) * (output_stationary ? 1.0 : 1.0 + 2.0 * static_cast<double>(k_tiles - 1));
  return tiles + input + ps_per_byte * (output_bytes + spill_bytes) + (input_loads + stores) * p.row_change_ps;
}

std::optional<NmpTiling> choose_tiling(const NmpConfig& nmp, const TilingProblem& p) {
  const std::int64_t n_limit = capacity(nmp.pe.output_buffer_kib) * 8 / (p.m * p.bits.accumulator);
  const std::int64_t k_limit = capacity(nmp.input_buffer_kib) * 8 / (p.count * p.m * p.bits.activation);
  if (n_limit < 1 || k_limit < 1) return std::nullopt;
  const std::int64_t half = capacity(nmp.pe.weight_buffer_kib) * 8 / (nmp.pe.double_buffered_weights ? 2 : 1);
  const std::int64_t weights = half / p.bits.stationary / std::min<std::int64_t>(p.k, nmp.pe.macs_per_fpu);
  if (weights < 1) return std::nullopt;
  struct Candidate {
    NmpTiling tiling;
    double cost = 0;
    std::int64_t pieces = 0;
  };
  std::vector<Candidate> legal;
  double cheapest = std::numeric_limits<double>::infinity();
  for (const std::int64_t n : candidates(p.n, nmp.pe.fpus, std::min(n_limit, weights), p.fixed_n)) {
    for (const std::int64_t k : candidates(p.k, nmp.pe.macs_per_fpu, k_limit, p.fixed_k)) {
      for (const LoopOrder order : {LoopOrder::output_stationary, LoopOrder::input_stationary}) {
        // With the whole input at hand, or all of K in one tile, there is nothing to gain from spilling sums.
        if (order == LoopOrder::input_stationary && (!p.may_spill || k >= p.k || input_resident(nmp, p))) continue;
        const NmpTiling t{n, k, order};
        if (!fits(nmp, p, t)) continue;
        const std::int64_t rows = TileProgram::piece_rows(std::min(k, p.k), n, p.bits.stationary, nmp.pe);
        legal.push_back({t, tiling_cost_ps(nmp, p, t), ceil_div(p.n, n) * ceil_div(p.k, k) * ceil_div(std::min(k, p.k), rows)});
        cheapest = std::min(cheapest, legal.back().cost);
      }
    }
  }
  std::optional<NmpTiling> best;
  std::int64_t fewest = 0;
  for (const Candidate& c : legal) {
    if (c.cost > cheapest * (1 + cost_tolerance) || (best && c.pieces >= fewest)) continue;
    best = c.tiling;
    fewest = c.pieces;
  }
  return best;
}

}  // namespace bondsim
