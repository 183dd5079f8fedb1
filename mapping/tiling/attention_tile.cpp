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

/// Head group by head group: tiles, and the columns of all strips together.
struct StripSums {
  std::int64_t strips = 0;
  std::int64_t tiles = 0;
  std::int64_t columns = 0;
};

StripSums strip_sums(const AttentionProblem& p, const AttentionTile& t) {
  if (p.window == 0) {
    const std::int64_t strips = ceil_div(p.m, t.rows);
    return {strips, strips * ceil_div(p.context, t.columns), strips * p.context};
  }
  StripSums sums;
  for (const AttentionStrip& s : attention_strips(p, t)) {
    ++sums.strips;
    sums.tiles += ceil_div(s.columns.size(), t.columns);
    sums.columns += s.columns.size();
  }
  return sums;
}

}  // namespace

Range AttentionProblem::columns_of(const Range& rows) const {
  if (window == 0) return {0, context};
  const std::int64_t before = context - m / group;  // columns before the first row's token
  const std::int64_t first = before + rows.begin / group, last = before + (rows.end - 1) / group;
  const std::int64_t begin = chunked ? (first_column + first) / window * window - first_column : first + 1 - window;
  return {std::max<std::int64_t>(0, begin), last + 1};
}

std::int64_t scores_of_head(const AttentionProblem& p) {
  if (p.window == 0) return p.m * p.context;
  std::int64_t sum = 0;
  for (std::int64_t row = 0; row < p.m; row += p.group) sum += p.group * p.columns_of({row, row + 1}).size();
  return sum;
}

std::vector<AttentionStrip> attention_strips(const AttentionProblem& p, const AttentionTile& t) {
  std::vector<AttentionStrip> strips;
  const std::int64_t first = p.first_column + p.context - p.m / p.group;  // position of the first row's token
  for (std::int64_t from = 0, to = 0; from < p.m; from = to) {
    to = std::min(p.m, from + t.rows);
    // A strip ends with its chunk, when it is no longer: the next one's rows attend to none of its columns.
    if (p.window > 0 && p.chunked && p.window * p.group >= t.rows)
      to = std::min(to, ((first + from / p.group) / p.window * p.window + p.window - first) * p.group);
    strips.push_back({{from, to}, p.columns_of({from, to})});
  }
  return strips;
}

double strips_seconds(const System& system, const AttentionProblem& p, std::int64_t rows) {
  const NpuConfig& npu = system.npu;
  const double bus = system.channel_count() * bus_gbps(system.dram) * 1e9;
  AttentionTile tile;
  tile.rows = rows;
  double seconds = 0;
  for (const AttentionStrip& s : attention_strips(p, tile)) {
    const std::int64_t cycles = gemm_cycles({p.heads, s.rows.size(), s.columns.size(), p.head_dim}, p.bits, npu) +
                                gemm_cycles({p.heads, s.rows.size(), p.values_dim(), s.columns.size()}, p.bits, npu);
    const std::int64_t bytes = bytes_of(p.heads * s.columns.size() * (p.head_dim + p.values_dim()), p.bits.stationary);
    seconds += std::max(1e-6 / npu.clock_mhz * static_cast<double>(cycles), static_cast<double>(bytes) / bus);
  }
  return seconds;
}

std::int64_t strip_rows(const System& system, const AttentionProblem& p) {
  std::int64_t best_rows = p.m;
  double best = std::numeric_limits<double>::infinity();
  for (std::int64_t parts = 1; parts == 1 || ceil_div(p.m, parts) >= system.npu.array_rows; parts *= 2) {
    const std::int64_t rows = ceil_div(ceil_div(p.m, parts), p.group) * p.group;
    const double seconds = strips_seconds(system, p, rows);
    if (seconds < best) best_rows = rows;
    best = std::min(best, seconds);
  }
  return best_rows;
}

std::int64_t score_bytes(const AttentionProblem& p, const AttentionTile& t) {
  const std::int64_t scores = 2 * bytes_of(t.heads * t.rows * t.columns, p.bits.activation);
  return scores + (t.columns < p.context ? bytes_of(t.heads * t.rows * p.values_dim(), p.bits.accumulator) : 0);
}

std::int64_t stationary_bytes(const AttentionProblem& p, const AttentionTile& t) {
  if (p.window > 0 && t.keeps_stationary) {
    // What a strip has, and what the next one has more.
    const std::int64_t tokens = ceil_div(t.rows, p.group), most = std::min(p.context, p.window + tokens - 1) + tokens;
    return bytes_of(t.heads * std::min(most, 2 * p.context) * p.stored_dim(), p.bits.stationary);
  }
  const std::int64_t k_and_v = bytes_of(t.heads * (t.keeps_stationary ? p.context : t.columns) * p.stored_dim(), p.bits.stationary);
  return 2 * k_and_v;
}

std::int64_t columns_loaded(const AttentionProblem& p, const AttentionTile& t) {
  return t.columns * std::max<std::int64_t>(1, p.stationary_bytes / stationary_bytes(p, t));
}

double attention_seconds(const System& system, const AttentionProblem& p, const AttentionTile& t) {
  const NpuConfig& npu = system.npu;
  const StripSums sums = strip_sums(p, t);
  const std::int64_t columns = p.window == 0 ? t.columns : std::min(t.columns, ceil_div(sums.columns, sums.tiles));
  const auto groups = static_cast<double>(ceil_div(p.heads, t.heads));
  const double tiles = groups * static_cast<double>(sums.tiles);
  const double cycle = 1e-6 / npu.clock_mhz;
  const double arrays = cycle * static_cast<double>(gemm_cycles({t.heads, t.rows, columns, p.head_dim}, p.bits, npu) +
                                                    gemm_cycles({t.heads, t.rows, p.values_dim(), columns}, p.bits, npu));
  std::int64_t operations = vector_operations({VectorKind::softmax, t.heads * t.rows * columns, 0, 0}, npu);
  if (sums.tiles > sums.strips) operations += vector_operations({VectorKind::rescale, t.heads * t.rows * p.values_dim(), 0, 0}, npu);
  const double vector = system.fidelity.vector_ops ? cycle * static_cast<double>(vector_cycles(operations, 0, npu)) : 0;
  const auto channels = static_cast<double>(std::min<std::int64_t>(system.channel_count(), t.heads * p.channels_per_head));
  const std::int64_t loaded = t.keeps_stationary ? p.context : sums.columns;
  const auto group_bytes = static_cast<double>(bytes_of(t.heads * loaded * p.stored_dim(), p.bits.stationary));
  const double bytes_a_second = channels * bus_gbps(system.dram) * 1e9;
  const double loads = group_bytes / bytes_a_second / static_cast<double>(sums.tiles);
  double first = arrays + vector + loads;
  if (p.window > 0 && t.keeps_stationary) {
    // The window of the next heads has no place before the present ones are done.
    const std::int64_t columns_first = p.columns_of({0, std::min(p.m, t.rows)}).size();
    first += groups * static_cast<double>(bytes_of(t.heads * columns_first * p.stored_dim(), p.bits.stationary)) / bytes_a_second;
  }
  return tiles * std::max({arrays, vector, loads}) + first;
}

AttentionTile choose_attention_tile(const System& system, const AttentionProblem& p) {
  const std::int64_t unit = p.window > 0 ? p.group : 1;  // strips are of whole tokens
  const std::int64_t least_rows = std::min<std::int64_t>(p.m, ceil_div<std::int64_t>(system.npu.array_rows, unit) * unit);
  const std::int64_t least_columns = std::min<std::int64_t>(p.context, system.npu.array_columns);
  std::vector<std::pair<double, AttentionTile>> fitting;
  double best = std::numeric_limits<double>::infinity();
  for (std::int64_t heads = 1; heads <= std::min<std::int64_t>(p.heads, system.channel_count()); ++heads) {
    for (const std::int64_t columns : parts_of(p.context, least_columns, least_columns)) {
      for (const std::int64_t rows : parts_of(p.m, least_rows, unit)) {
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
