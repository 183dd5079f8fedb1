#include "mapping/tiling/tiling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "mapping/tiling/tile_walk.hpp"
#include "models/base/element_bytes.hpp"
#include "models/base/quantity.hpp"

namespace bondsim {
namespace {

/// Among tilings this close to the cheapest, the one with the fewest pieces is taken: fewer commands for the NMP controller.
constexpr double cost_tolerance = 0.003;

/// Tilings walked through in a row without one that is better by more than that, after which the search ends.
constexpr int patience = 48;

std::int64_t capacity(double kib) { return static_cast<std::int64_t>(kib * 1024.0); }

/// `total` in `parts`, rounded up to whole steps.
std::int64_t part_of(std::int64_t total, std::int64_t parts, std::int64_t step) {
  return std::min(total, ceil_div(ceil_div(total, parts), step) * step);
}

/// Tile sizes worth a try, the same whatever the limit, in falling order: `total` in 1, 2, ... 8, 12, 16, 24, ... equal parts. Where less
/// than a step fits, which wastes FPUs, the largest equal part that does.
std::vector<std::int64_t> candidates(std::int64_t total, std::int64_t step, std::int64_t limit, std::int64_t fixed) {
  if (fixed > 0) return {std::min(fixed, total)};
  std::vector<std::int64_t> out;
  const auto add = [&](std::int64_t size) {
    if (size <= limit && (out.empty() || size < out.back())) out.push_back(size);
  };
  for (std::int64_t parts = 1; parts < 2 * total;) {
    add(part_of(total, parts, step));
    if (part_of(total, parts, step) <= step) break;
    // 1, 2, ... 8, 12, 16, 24, 32, ...
    const bool power = (parts & (parts - 1)) == 0;
    parts += parts < 8 ? 1 : (power ? parts / 2 : parts / 3);
  }
  if (out.empty() && limit > 0) add(ceil_div(total, ceil_div(total, limit)));
  return out;
}

/// Rows of a piece: equal parts of the tile that fill what the buffer holds, a half, a quarter and an eighth of it.
std::vector<std::int64_t> pieces_of(std::int64_t k_tile, std::int64_t most, std::int64_t step) {
  std::vector<std::int64_t> out;
  for (std::int64_t rows = std::min(most, k_tile), i = 0; rows > 0 && i < 4; rows /= 2, ++i) {
    const std::int64_t size = rows < step ? rows : std::min(most, part_of(k_tile, ceil_div(k_tile, rows), step));
    if (out.empty() || size < out.back()) out.push_back(size);
  }
  return out;
}

OperandBytes operand_bytes(const TilingProblem& p) {
  const auto whole = [&](std::int64_t bytes) { return ceil_div(bytes, p.port.access_bytes) * p.port.access_bytes; };
  OperandBytes b;
  b.input = whole(ceil_div<std::int64_t>(p.count * bytes_of(p.m * p.k, p.bits.activation), std::max(1, p.banks)));
  b.stationary = whole(bytes_of(p.n * p.k, p.bits.stationary));
  b.output = whole(bytes_of(p.m * p.n, p.bits.output));
  b.partials = whole(bytes_of(p.m * p.n, p.bits.accumulator));
  return b;
}

/// The PE as it multiplies the problem's operands.
PeConfig pe_of(const NmpConfig& nmp, const TilingProblem& p) { return nmp.pe_for(p.bits.activation, p.bits.stationary); }

std::int64_t pieces_in(const NmpConfig& nmp, const TilingProblem& p, const NmpTiling& t) {
  const std::int64_t rows = TileLoop::piece_rows(t, p.k, p.n, p.bits.stationary, pe_of(nmp, p));
  const std::int64_t full = p.k / t.k_tile, rest = p.k % t.k_tile;
  return ceil_div(p.n, t.n_tile) * (full * ceil_div(std::min(t.k_tile, p.k), rows) + ceil_div(rest, rows));
}

}  // namespace

TilingProblem tiling_problem(const System& system, int channel, const GemmShape& shape, std::int64_t pes_per_gemm,
                             const OperandBits& bits) {
  TilingProblem p;
  p.count = shape.count;
  p.m = shape.m;
  p.k = shape.k;
  p.n = ceil_div(shape.n, pes_per_gemm);
  p.bits = bits;
  p.banks = system.dram_of(channel).organization.banks();
  p.port = port_timing(system.dram_of(channel), system.nmp_of(channel), system.controller_of(channel));
  return p;
}

TilingFootprint footprint(const NmpConfig& nmp, const TilingProblem& p, const NmpTiling& t) {
  return {bytes_of(t.n_tile * std::min<std::int64_t>(t.k_tile, pe_of(nmp, p).macs_per_fpu), p.bits.stationary),
          p.count * bytes_of(p.m * t.k_tile, p.bits.activation), bytes_of(p.m * t.n_tile, p.bits.accumulator)};
}

bool input_resident(const NmpConfig& nmp, const TilingProblem& p) {
  return p.count * bytes_of(p.m * p.k, p.bits.activation) <= capacity(nmp.input_buffer_kib);
}

bool fits(const NmpConfig& nmp, const TilingProblem& p, const NmpTiling& t) {
  if (t.n_tile < 1 || t.k_tile < 1) return false;
  const TilingFootprint f = footprint(nmp, p, t);
  const std::int64_t weights = capacity(nmp.pe.weight_buffer_kib) / (nmp.pe.double_buffered_weights ? 2 : 1);
  return f.weight_bytes <= weights && f.input_bytes <= capacity(nmp.input_buffer_kib) &&
         f.output_bytes <= capacity(nmp.pe.output_buffer_kib);
}

namespace {

/// Time of the PEs' computations alone.
double compute_ps(const PeConfig& pe, const TilingProblem& p, const NmpTiling& t) {
  const std::int64_t n_tile = std::min(t.n_tile, p.n), k_tile = std::min(t.k_tile, p.k);
  const std::int64_t n_tiles = ceil_div(p.n, n_tile), k_tiles = ceil_div(p.k, k_tile);
  const std::int64_t rows = TileLoop::piece_rows(t, p.k, p.n, p.bits.stationary, pe);
  const auto tile_cycles = [&](std::int64_t k, std::int64_t n) {
    return k / rows * TileLoop::compute_cycles(p.m, rows, n, pe) + TileLoop::compute_cycles(p.m, k % rows, n, pe);
  };
  const auto column_cycles = [&](std::int64_t n) {
    return (k_tiles - 1) * tile_cycles(k_tile, n) + tile_cycles(p.k - (k_tiles - 1) * k_tile, n);
  };
  const std::int64_t cycles = (n_tiles - 1) * column_cycles(n_tile) + column_cycles(p.n - (n_tiles - 1) * n_tile);
  return 1e6 / pe.clock_mhz * static_cast<double>(cycles);
}

/// tiling_cost_ps(), or infinity as soon as it is known to be above `limit_ps`.
double cost_up_to(const NmpConfig& nmp, const TilingProblem& p, const NmpTiling& t, double limit_ps) {
  const TileLoop loop({p.count, p.m, p.n, p.k}, p.n, p.bits, t, nmp);
  PortStream port(p.port, 0, p.port.refi);
  const OperandBytes bytes = operand_bytes(p);
  WalkLimit limit;
  if (limit_ps < 1e17) {
    limit.end = static_cast<std::int64_t>(limit_ps);
    // What is computed under the accesses takes no time of its own.
    if (!nmp.pe.pipelined_access) limit.computation = static_cast<std::int64_t>(compute_ps(pe_of(nmp, p), p, t));
    limit.stream = bytes.stationary / p.port.access_bytes * p.port.access + (bytes.stationary / p.port.page_bytes - 1) * row_gap_ps(p.port);
  }
  const std::int64_t end = walk_tiles(loop, bytes, nmp, port, 0, limit);
  return end == over_limit ? std::numeric_limits<double>::infinity() : static_cast<double>(end);
}

}  // namespace

double tiling_cost_ps(const NmpConfig& nmp, const TilingProblem& p, const NmpTiling& t) {
  return cost_up_to(nmp, p, t, std::numeric_limits<double>::infinity());
}

double tiling_bound_ps(const NmpConfig& nmp, const TilingProblem& p, const NmpTiling& t) {
  const double cycle = 1e6 / nmp.pe.clock_mhz;
  const std::int64_t n_tile = std::min(t.n_tile, p.n);
  const std::int64_t n_tiles = ceil_div(p.n, n_tile), k_tiles = ceil_div(p.k, t.k_tile);
  const PeConfig pe = pe_of(nmp, p);
  const std::int64_t rows = TileLoop::piece_rows(t, p.k, p.n, p.bits.stationary, pe);
  const auto cycles = [&](std::int64_t k, std::int64_t n) { return static_cast<double>(TileLoop::compute_cycles(p.m, k, n, pe)); };
  const std::int64_t last_n = p.n - (n_tiles - 1) * n_tile;
  const double compute = compute_ps(pe, p, t);

  const bool direct = nmp.io_path == IoPath::direct;
  OperandBytes bytes = operand_bytes(p);
  // Over the bus inputs and outputs take time as well, which a bound may leave out.
  if (direct) bytes = {0, bytes.stationary, 0, 0};
  const auto access = [&](double b) { return b / static_cast<double>(p.port.access_bytes) * static_cast<double>(p.port.access); };
  const auto change = static_cast<double>(p.port.subarrays || direct ? 0 : p.port.rp + p.port.rcd);
  const bool resident = input_resident(nmp, p), output_stationary = t.order == LoopOrder::output_stationary;
  const double passes = output_stationary && !resident ? static_cast<double>(n_tiles) : 1.0;
  const double spills = output_stationary ? 0.0 : 2.0 * static_cast<double>(k_tiles - 1);
  const double input = static_cast<double>(bytes.input);
  const double first_input = resident ? input : input * static_cast<double>(std::min(t.k_tile, p.k)) / static_cast<double>(p.k);
  const auto first_weights = static_cast<double>(bytes_of(n_tile * rows, p.bits.stationary));
  const double begin = static_cast<double>(p.port.rcd) + change +
                       access(std::max(0.0, first_input - static_cast<double>(p.port.access_bytes)) + first_weights);

  double port = access(static_cast<double>(nmp.pe.reads_for(p.m) * bytes.stationary) + passes * input + static_cast<double>(bytes.output) +
                       spills * static_cast<double>(bytes.partials));
  // Whole rows of weights, one after the other; the first may be opened already.
  const double rows_opened = std::max(0.0, std::floor(static_cast<double>(bytes.stationary) / static_cast<double>(p.port.page_bytes)) - 1);
  port += rows_opened * static_cast<double>(row_gap_ps(p.port));
  const double loads = resident ? 1.0 : passes * static_cast<double>(k_tiles);
  // A store of less than an access may have nothing to write.
  const std::int64_t accesses = bytes.output / p.port.access_bytes;
  port += change * (loads + static_cast<double>(std::min(accesses, n_tiles)) * (1 + spills));
  const std::int64_t in_last = (p.k - (k_tiles - 1) * t.k_tile) % rows;
  port += cycle * cycles(in_last > 0 ? in_last : std::min(rows, p.k - (k_tiles - 1) * t.k_tile), last_n);
  // A tile's loads and computation alternate where the PE has one buffer.
  if (nmp.pe.pipelined_access) return std::max(port, compute);
  if (!nmp.pe.double_buffered_weights) return port + compute - cycle * cycles(std::min(rows, p.k), n_tile);
  if (p.port.refi > 0) {
    // The port rests while the banks are refreshed, as often as that comes in the time it takes with them.
    const auto refresh = static_cast<double>(refresh_ps(p.port)), period = static_cast<double>(p.port.refi);
    double with = port;
    const auto late = static_cast<double>(p.port.postponed);
    for (int i = 0; i < 4; ++i) with = port + std::floor(std::max(0.0, with - late) / period) * refresh;
    port = with;
  }
  // With room for one tile, the PEs wait for the next input and its first weights, and for the last sums to leave.
  const TileLoop loop({p.count, p.m, p.n, p.k}, p.n, p.bits, t, nmp);
  double stalls = 0;
  if (!resident && loop.input_slots() < 2) {
    const std::int64_t last_rows = std::min(rows, p.k - (k_tiles - 1) * std::min(t.k_tile, p.k));
    const double weights = access(static_cast<double>(bytes_of(last_rows * last_n, p.bits.stationary) - p.port.access_bytes));
    stalls += access(std::max(0.0, passes * input - first_input)) + (loads - 1) * (2 * change + std::max(0.0, weights));
  }
  if (loop.output_slots() < 2 && bytes.output / n_tiles >= p.port.access_bytes) {
    const auto tiles = static_cast<double>(n_tiles);
    stalls += (tiles - 1) * (change + access(static_cast<double>(bytes.output) / tiles - static_cast<double>(p.port.access_bytes)));
  }
  return std::max(begin + compute + stalls, port);
}

std::optional<NmpTiling> choose_tiling(const NmpConfig& nmp, const TilingProblem& p) {
  check(p.count > 0 && p.m > 0 && p.k > 0 && p.n > 0, "tiles of an empty GEMM: {} x [{}, {}] x [{}, {}]", p.count, p.m, p.k, p.k, p.n);
  const std::int64_t n_limit = capacity(nmp.pe.output_buffer_kib) * 8 / (p.m * p.bits.accumulator);
  const std::int64_t k_limit = capacity(nmp.input_buffer_kib) * 8 / (p.count * p.m * p.bits.activation);
  if (n_limit < 1 || k_limit < 1) return std::nullopt;
  const std::int64_t half = capacity(nmp.pe.weight_buffer_kib) * 8 / (nmp.pe.double_buffered_weights ? 2 : 1);
  const PeConfig pe = pe_of(nmp, p);
  const std::int64_t weights = half / p.bits.stationary / std::min<std::int64_t>(p.k, pe.macs_per_fpu);
  if (weights < 1) return std::nullopt;
  struct Candidate {
    NmpTiling tiling;
    double bound = 0;
    double excess = 0;  ///< of the bound over the lowest, in steps
    double cost = std::numeric_limits<double>::infinity();
    std::int64_t pieces = 0;
  };
  std::vector<Candidate> legal;
  // With the whole input at hand a k tile is nothing but pieces.
  const std::int64_t only_k = p.fixed_k > 0 || !input_resident(nmp, p) ? p.fixed_k : p.k;
  for (const std::int64_t n : candidates(p.n, nmp.pe.fpus, std::min(n_limit, weights), p.fixed_n)) {
    for (const std::int64_t k : candidates(p.k, pe.macs_per_fpu, k_limit, only_k)) {
      for (const LoopOrder order : {LoopOrder::output_stationary, LoopOrder::input_stationary}) {
        // With the whole input at hand, or all of K in one tile, there is nothing to gain from spilling sums.
        if (order == LoopOrder::input_stationary && (!p.may_spill || k >= p.k || input_resident(nmp, p))) continue;
        if (!fits(nmp, p, {n, k, order})) continue;
        const std::int64_t most = TileLoop::piece_rows({n, k, order}, p.k, p.n, p.bits.stationary, pe);
        for (const std::int64_t rows : pieces_of(std::min(k, p.k), most, pe.macs_per_fpu)) {
          Candidate c;
          c.tiling = {n, k, order, rows < most ? rows : 0};
          c.bound = tiling_bound_ps(nmp, p, c.tiling);
          c.pieces = pieces_in(nmp, p, c.tiling);
          legal.push_back(c);
        }
      }
    }
  }
  // Few pieces first, of bounds that are about as low: they are quickly walked, and others then need not be walked to their end.
  double lowest = std::numeric_limits<double>::infinity();
  for (const Candidate& c : legal) lowest = std::min(lowest, c.bound);
  for (Candidate& c : legal) c.excess = std::floor((c.bound / lowest - 1) / 0.02);
  std::stable_sort(legal.begin(), legal.end(),
                   [](const Candidate& a, const Candidate& b) { return a.excess != b.excess ? a.excess < b.excess : a.pieces < b.pieces; });
  double cheapest = std::numeric_limits<double>::infinity();
  int in_vain = 0;
  for (Candidate& c : legal) {
    if (c.bound >= cheapest) continue;
    if (cheapest <= lowest * (1 + cost_tolerance) || in_vain == patience) break;
    c.cost = cost_up_to(nmp, p, c.tiling, cheapest * (1 + cost_tolerance));
    in_vain = c.cost < cheapest * (1 - cost_tolerance) ? 0 : in_vain + 1;
    cheapest = std::min(cheapest, c.cost);
  }
  const Candidate* best = nullptr;
  for (const Candidate& c : legal) {
    if (c.cost <= cheapest * (1 + cost_tolerance) && (best == nullptr || c.pieces < best->pieces)) best = &c;
  }
  if (best == nullptr) return std::nullopt;
  return best->tiling;
}

double share_bound_ps(const NmpConfig& nmp, const TilingProblem& p) {
  const double compute = 1e6 / nmp.pe.clock_mhz * static_cast<double>(TileLoop::compute_cycles(p.m, p.k, p.n, pe_of(nmp, p)));
  const std::int64_t bytes = operand_bytes(p).stationary;
  const std::int64_t stream = nmp.pe.reads_for(p.m) * (bytes / p.port.access_bytes) * p.port.access;
  return nmp.pe.overlaps_loads() ? std::max(compute, static_cast<double>(stream)) : compute + static_cast<double>(stream);
}

const TilingMemo::Choice* TilingMemo::choose(const NmpConfig& nmp, const TilingProblem& p) {
  const auto [entry, added] = known_.try_emplace(
      Key{p.count, p.m, p.k, p.n, p.fixed_n, p.fixed_k, p.bits.activation.key(), p.bits.stationary.key(), p.bits.output.key()});
  if (added) {
    if (const auto tiling = choose_tiling(nmp, p)) entry->second = Choice{*tiling, tiling_cost_ps(nmp, p, *tiling)};
  }
  return entry->second ? &*entry->second : nullptr;
}

std::string BufferGains::text() const {
  constexpr double least = 0.005;
  std::vector<std::pair<double, const char*>> gains = {{weight, "weight"}, {input, "input"}, {output, "output"}};
  std::stable_sort(gains.begin(), gains.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string out;
  for (const auto& [gain, name] : gains) {
    if (gain >= least) out += fmt::format("{}{} buffer ({:.1f} %)", out.empty() ? "" : ", ", name, 100 * gain);
  }
  return out.empty() ? "no buffer" : out;
}

BufferGains buffer_gains(const NmpConfig& nmp, const TilingProblem& p, double cost_ps) {
  const auto gain = [&](double NmpConfig::*of_channel, double PeConfig::*of_pe) {
    NmpConfig larger = nmp;
    (of_channel != nullptr ? larger.*of_channel : larger.pe.*of_pe) *= 2;
    const auto tiling = choose_tiling(larger, p);
    return tiling ? std::max(0.0, 1 - tiling_cost_ps(larger, p, *tiling) / cost_ps) : 0.0;
  };
  return {gain(nullptr, &PeConfig::weight_buffer_kib), gain(&NmpConfig::input_buffer_kib, nullptr),
          gain(nullptr, &PeConfig::output_buffer_kib)};
}

}  // namespace bondsim
