#include "mapping/tiling/attention_tile.hpp"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "models/base/element_bytes.hpp"
#include "models/base/quantity.hpp"
#include "models/npu/rules.hpp"
#include "models/system/peaks.hpp"

namespace bondsim {
namespace {

/// Tiles so near to the fastest are as good; of these the largest is taken, for the fewest tasks.
constexpr double near_best = 1.002;

/// The whole, and equal parts of it down to about `least`, four sizes an octave, rounded up to multiples of `unit`.
std::vector<std::int64_t> parts_of(std::int64_t whole, std::int64_t least, std::int64_t unit) {
  std::vector<std::int64_t> sizes = {whole};
  for (std::int64_t octave = 4; sizes.back() > least; octave *= 2) {
    for (std::int64_t quarters = 4; quarters < 8; ++quarters) {
      const std::int64_t size = std::max(least, ceil_div(ceil_div(whole * 4, octave * quarters / 2), unit) * unit);
      if (size < sizes.back()) sizes.push_back(size);
    }
  }
  return sizes;
}

}  // namespace

std::int64_t score_bytes(const AttentionProblem& p, const AttentionTile& t) {
  const std::int64_t scores = 2 * bytes_of(t.heads * t.rows * t.columns, p.bits.activation);
  return scores + (t.columns < p.context ? bytes_of(t.heads * t.rows * p.head_dim, p.bits.accumulator) : 0);
}

std::int64_t stationary_bytes(const AttentionProblem& p, const AttentionTile& t) {
  const std::int64_t k_and_v = 2 * bytes_of(t.heads * (t.keeps_stationary ? p.context : t.columns) * p.head_dim, p.bits.stationary);
  return 2 * k_and_v;
}

std::int64_t columns_loaded(const AttentionProblem& p, const AttentionTile& t) {
  return t.columns * std::max<std::int64_t>(1, p.stationary_bytes / stationary_bytes(p, t));
}

double attention_seconds(const System& system, const AttentionProblem& p, const AttentionTile& t) {
  const NpuConfig& npu = system.npu;
  const std::int64_t row_tiles = ceil_div(p.m, t.rows), column_tiles = ceil_div(p.context, t.columns);
  const auto groups = static_cast<double>(ceil_div(p.heads, t.heads));
  const double tiles = groups * static_cast<double>(row_tiles * column_tiles);
  const double cycle = 1e-6 / npu.clock_mhz;
  const double arrays = cycle * static_cast<double>(gemm_cycles({t.heads, t.rows, t.columns, p.head_dim}, p.bits, npu) +
                                                    gemm_cycles({t.heads, t.rows, p.head_dim, t.columns}, p.bits, npu));
  std::int64_t operations = vector_operations({VectorKind::softmax, t.heads * t.rows * t.columns, 0, 0}, npu);
  if (column_tiles > 1) operations += vector_operations({VectorKind::rescale, t.heads * t.rows * p.head_dim, 0, 0}, npu);
  const double vector = system.fidelity.vector_ops ? cycle * static_cast<double>(vector_cycles(operations, 0, npu)) : 0;
  const auto channels = static_cast<double>(std::min<std::int64_t>(system.channel_count(), t.heads * p.channels_per_head));
  const double group_bytes = 2.0 * static_cast<double>(bytes_of(t.heads * p.context * p.head_dim, p.bits.stationary));
  const double loads_of_group =
      group_bytes / (channels * bus_gbps(system.dram) * 1e9) * static_cast<double>(t.keeps_stationary ? 1 : row_tiles);
  const double loads = loads_of_group / static_cast<double>(row_tiles * column_tiles);
  return tiles * std::max({arrays, vector, loads}) + arrays + vector + loads;
}

AttentionTile choose_attention_tile(const System& system, const AttentionProblem& p) {
  const std::int64_t least_rows = std::min<std::int64_t>(p.m, system.npu.array_rows);
  const std::int64_t least_columns = std::min<std::int64_t>(p.context, system.npu.array_columns);
  std::vector<std::pair<double, AttentionTile>> fitting;
  double best = std::numeric_limits<double>::infinity();
  for (std::int64_t heads = 1; heads <= std::min<std::int64_t>(p.heads, system.channel_count()); ++heads) {
    for (const std::int64_t columns : parts_of(p.context, least_columns, least_columns)) {
      for (const std::int64_t rows : parts_of(p.m, least_rows, 1)) {
        for (const bool keeps : {true, false}) {
          const AttentionTile tile{heads, rows, columns, keeps};
          if (score_bytes(p, tile) > p.activation_bytes || stationary_bytes(p, tile) > p.stationary_bytes) continue;
          fitting.emplace_back(attention_seconds(system, p, tile), tile);
          best = std::min(best, fitting.back().first);
        }
      }
    }
  }
  AttentionTile largest{1, least_rows, least_columns, false};
  for (const auto& [seconds, tile] : fitting) {
    const bool larger = tile.heads * tile.rows * tile.columns > largest.heads * largest.rows * largest.columns;
    if (seconds <= near_best * best && larger) largest = tile;
  }
  return largest;
}

}  // namespace bondsim
