#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "models/npu/rules.hpp"

/// The closed forms of the systolic arrays against arrays simulated register by register.
namespace bondsim {
namespace {

using Matrix = std::vector<std::vector<std::int64_t>>;

Matrix random_matrix(std::mt19937_64& random, std::int64_t rows, std::int64_t columns) {
  Matrix m(static_cast<std::size_t>(rows), std::vector<std::int64_t>(static_cast<std::size_t>(columns)));
  for (auto& row : m) {
    for (auto& x : row) x = static_cast<std::int64_t>(random() % 19) - 9;
  }
  return m;
}

std::int64_t at(const Matrix& m, std::int64_t row, std::int64_t column) {
  const bool inside = row < static_cast<std::int64_t>(m.size()) && column < static_cast<std::int64_t>(m[0].size());
  return inside ? m[static_cast<std::size_t>(row)][static_cast<std::size_t>(column)] : 0;
}

/// A value on its way through the array.
struct Token {
  bool valid = false;
  std::int64_t value = 0;
  std::int64_t row = 0;  ///< weight stationary: row of the output it belongs to
  std::int64_t tile = 0;
};
using Wires = std::vector<std::vector<Token>>;

/// One array, all tiles of [m, k] x [k, n] one after the other. Weights shift in from the top, a row a cycle; activations enter from the
/// left, row r of the array a cycle after row r - 1; sums move down. Each tile begins `spacing` cycles after the one before.
struct WeightStationary {
  std::int64_t cycles = 0;
  Matrix out;

  WeightStationary(const Matrix& a, const Matrix& w, std::int64_t n, std::int64_t rows, std::int64_t columns, std::int64_t spacing) {
    const auto m = static_cast<std::int64_t>(a.size()), k = static_cast<std::int64_t>(w.size());
    out.assign(static_cast<std::size_t>(m), std::vector<std::int64_t>(static_cast<std::size_t>(n), 0));
    const std::int64_t k_tiles = (k + rows - 1) / rows, n_tiles = (n + columns - 1) / columns, tiles = k_tiles * n_tiles;
    Wires act(static_cast<std::size_t>(rows), std::vector<Token>(static_cast<std::size_t>(columns))), sum = act;
    std::int64_t left = tiles * m * columns;
    // The first activation enters when the last row of the first tile's weights is in its place.
    for (std::int64_t t = rows; left > 0; ++t) {
      for (std::int64_t r = rows - 1; r >= 0; --r) {
        for (std::int64_t c = columns - 1; c >= 0; --c) {
          const auto ri = static_cast<std::size_t>(r), ci = static_cast<std::size_t>(c);
          Token in;
          if (c > 0) {
            in = act[ri][ci - 1];
          } else {
            const std::int64_t since = t - rows - r, tile = since >= 0 ? std::min(since / spacing, tiles - 1) : 0;
            const std::int64_t row = since - tile * spacing;
            if (since >= 0 && row < m) in = {true, at(a, row, tile % k_tiles * rows + r), row, tile};
          }
          const std::int64_t above = r > 0 ? sum[ri - 1][ci].value : 0;
          act[ri][ci] = in;
          sum[ri][ci] = in;
          sum[ri][ci].value = in.valid ? above + in.value * at(w, in.tile % k_tiles * rows + r, in.tile / k_tiles * columns + c) : 0;
          if (r == rows - 1 && in.valid) {
            const std::int64_t column = in.tile / k_tiles * columns + c;
            if (column < n) out[static_cast<std::size_t>(in.row)][static_cast<std::size_t>(column)] += sum[ri][ci].value;
            if (--left == 0) cycles = t + 1;
          }
        }
      }
    }
  }
};

/// Both operands enter skewed; a PE latches its sum when the last of K has passed, and each column shifts its latches down.
struct OutputStationary {
  std::int64_t cycles = 0;
  Matrix out;

  OutputStationary(const Matrix& a, const Matrix& w, std::int64_t n, std::int64_t rows, std::int64_t columns, std::int64_t spacing) {
    const auto m = static_cast<std::int64_t>(a.size()), k = static_cast<std::int64_t>(w.size());
    out.assign(static_cast<std::size_t>(m), std::vector<std::int64_t>(static_cast<std::size_t>(n), 0));
    const std::int64_t m_tiles = (m + rows - 1) / rows, n_tiles = (n + columns - 1) / columns, tiles = m_tiles * n_tiles;
    std::int64_t left = tiles * rows * columns;
    Wires latch(static_cast<std::size_t>(rows), std::vector<Token>(static_cast<std::size_t>(columns)));
    std::vector<std::vector<std::int64_t>> sum(static_cast<std::size_t>(rows),
                                               std::vector<std::int64_t>(static_cast<std::size_t>(columns), 0));
    std::vector<std::int64_t> shifting(static_cast<std::size_t>(columns), 0);
    for (std::int64_t t = 0; left > 0; ++t) {
      for (std::int64_t c = 0; c < columns; ++c) {
        const auto ci = static_cast<std::size_t>(c);
        if (shifting[ci] > 0) {
          const Token& bottom = latch[static_cast<std::size_t>(rows) - 1][ci];
          const std::int64_t row = bottom.tile % m_tiles * rows + bottom.row, column = bottom.tile / m_tiles * columns + c;
          if (row < m && column < n) out[static_cast<std::size_t>(row)][static_cast<std::size_t>(column)] = bottom.value;
          if (--left == 0) cycles = t + 1;
          for (std::size_t r = static_cast<std::size_t>(rows) - 1; r > 0; --r) latch[r][ci] = latch[r - 1][ci];
          --shifting[ci];
        }
        for (std::int64_t r = 0; r < rows; ++r) {
          const auto ri = static_cast<std::size_t>(r);
          const std::int64_t since = t - r - c;
          if (since < 0 || since / spacing >= tiles || since % spacing >= k) continue;
          const std::int64_t tile = since / spacing, step = since % spacing;
          if (step == 0) sum[ri][ci] = 0;
          sum[ri][ci] += at(a, tile % m_tiles * rows + r, step) * at(w, step, tile / m_tiles * columns + c);
          if (step != k - 1) continue;
          // Sums of upper rows wait for that of the last row, with which the column begins to shift.
          pending_.push_back({true, sum[ri][ci], r, tile});
          columns_.push_back(c);
          if (r + 1 < rows) continue;
          EXPECT_EQ(shifting[ci], 0) << "the column still shifts out the tile before";
          for (std::size_t i = 0; i < pending_.size(); ++i) {
            if (columns_[i] == c && pending_[i].tile == tile) latch[static_cast<std::size_t>(pending_[i].row)][ci] = pending_[i];
          }
          shifting[ci] = rows;
        }
      }
    }
  }

 private:
  std::vector<Token> pending_;
  std::vector<std::int64_t> columns_;
};

Matrix product(const Matrix& a, const Matrix& w, std::int64_t n) {
  Matrix out(a.size(), std::vector<std::int64_t>(static_cast<std::size_t>(n), 0));
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < out[i].size(); ++j) {
      for (std::size_t l = 0; l < w.size(); ++l) out[i][j] += a[i][l] * w[l][j];
    }
  }
  return out;
}

template <class Array>
void expect_closed_form(SystolicDataflow dataflow, FoldOverlap folds) {
  std::mt19937_64 random(17);
  const auto pick = [&](std::int64_t hi) { return 1 + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(hi)); };
  for (int i = 0; i < 60; ++i) {
    NpuConfig npu;
    npu.arrays = 1;
    npu.array_rows = static_cast<int>(pick(6));
    npu.array_columns = static_cast<int>(pick(6));
    npu.dataflow = dataflow;
    npu.fold_overlap = folds;
    const std::int64_t m = pick(15), k = pick(15), n = pick(15);
    const Matrix a = random_matrix(random, m, k), w = random_matrix(random, k, n);
    const std::int64_t streamed = dataflow == SystolicDataflow::weight_stationary ? m : k;
    // Serial: SCALE-Sim v2, a fold takes M (output stationary: K) + 2 R + C - 2 cycles.
    const std::int64_t spacing = folds == FoldOverlap::serial ? streamed + 2 * npu.array_rows + npu.array_columns - 2
                                                              : std::max<std::int64_t>(streamed, npu.array_rows);
    const Array array(a, w, n, npu.array_rows, npu.array_columns, spacing);
    EXPECT_EQ(array.out, product(a, w, n)) << "the simulated array computes something else";
    EXPECT_EQ(systolic_cycles({1, m, n, k}, npu), array.cycles) << "seed 17, case " << i << ": [" << m << ", " << k << "] x [" << k << ", "
                                                                << n << "] on " << npu.array_rows << " x " << npu.array_columns;
  }
}

TEST(SystolicArray, weight_stationary_takes_as_long_as_the_array_simulated_register_by_register) {
  for (const FoldOverlap folds : {FoldOverlap::overlapped, FoldOverlap::serial})
    expect_closed_form<WeightStationary>(SystolicDataflow::weight_stationary, folds);
}

TEST(SystolicArray, output_stationary_takes_as_long_as_the_array_simulated_register_by_register) {
  for (const FoldOverlap folds : {FoldOverlap::overlapped, FoldOverlap::serial})
    expect_closed_form<OutputStationary>(SystolicDataflow::output_stationary, folds);
}

TEST(SystolicArray, the_dimension_just_longer_than_the_array_had_better_stream) {
  NpuConfig npu;
  npu.arrays = 8;
  npu.array_rows = npu.array_columns = 128;
  const GemmShape rows{1, 130, 1024, 1024}, depth{1, 1024, 1024, 130};
  const auto cycles = [&](const GemmShape& s, SystolicDataflow d) {
    npu.dataflow = d;
    return systolic_cycles(s, npu);
  };
  EXPECT_LT(cycles(rows, SystolicDataflow::weight_stationary), cycles(rows, SystolicDataflow::output_stationary));
  EXPECT_LT(cycles(depth, SystolicDataflow::output_stationary), cycles(depth, SystolicDataflow::weight_stationary));
}

TEST(SystolicArray, output_stationary_reads_weights_once_a_row_tile_and_writes_each_sum_once) {
  NpuConfig npu;
  npu.array_rows = npu.array_columns = 4;
  npu.dataflow = SystolicDataflow::output_stationary;
  // 2 row tiles, 3 column tiles: weights in once and out twice, activations out three times, sums out once.
  EXPECT_EQ(gemm_scratchpad_bits({1, 8, 12, 10}, {16, 16, 16, 32}, npu), 3 * 10 * 12 * 16 + 3 * 8 * 10 * 16 + 8 * 12 * 32);
}

}  // namespace
}  // namespace bondsim
