#include <gtest/gtest.h>

#include <random>

#include "mapping/tiling/split.hpp"
#include "mapping/tiling/tiling.hpp"
#include "tests/support/mapping_setup.hpp"
#include "tests/support/scale.hpp"

namespace bondsim {
namespace {

TEST(Split, closed_form_is_the_divisor_nearest_to_its_real_solution) {
  // sqrt(6 * 4096 / 4096) = 2.45: 2; sqrt(6 * 14336 / 4096) = 4.58: 6 is further than 3; a load link 4 times as fast doubles T_K.
  EXPECT_EQ(closed_form_split(4096, 4096, 6, 1.0).text(), "2 x 3");
  EXPECT_EQ(closed_form_split(14336, 4096, 6, 1.0).text(), "6 x 1");
  EXPECT_EQ(closed_form_split(4096, 128256, 6, 1.0).text(), "1 x 6");
  EXPECT_EQ(closed_form_split(4096, 4096, 16, 1.0).text(), "4 x 4");
  EXPECT_EQ(closed_form_split(4096, 4096, 16, 0.25).text(), "8 x 2");
  EXPECT_EQ(closed_form_split(4096, 4096, 7, 1.0).text(), "1 x 7");  // 2.65 lies between the divisors 1 and 7
}

TEST(Split, any_grid_covers_every_weight_once_and_holds_equal_shares) {
  std::mt19937_64 random(11);
  for (int trial = 0; trial < 300; ++trial) {
    const int channels = 1 + static_cast<int>(random() % 12);
    const int t_k = 1 + static_cast<int>(random() % static_cast<unsigned>(channels));
    const std::int64_t k = 64 * (12 + static_cast<std::int64_t>(random() % 100));
    const std::int64_t n = 12 + static_cast<std::int64_t>(random() % 5000);
    const GridSplit split = grid_of(channels, t_k);
    ASSERT_EQ(split.channels(), channels);
    std::int64_t covered = 0;
    for (int a = 0; a < channels; ++a) {
      const Range ka = split.k_of(a, k, 64);
      const Range na = split.n_of(a, n);
      covered += ka.size() * na.size();
      EXPECT_NEAR(static_cast<double>(ka.size() * na.size()), static_cast<double>(k * n) / channels,
                  static_cast<double>(64 * na.size() + ka.size()));
      for (int b = 0; b < a; ++b) {
        const Range kb = split.k_of(b, k, 64);
        const Range nb = split.n_of(b, n);
        EXPECT_TRUE(ka.end <= kb.begin || kb.end <= ka.begin || na.end <= nb.begin || nb.end <= na.begin) << "seed 11, trial " << trial;
      }
    }
    EXPECT_EQ(covered, k * n) << "seed 11, trial " << trial;
  }
}

TEST(Split, search_is_never_worse_than_its_fallback_and_finds_uneven_cuts) {
  // Transfers only, K = N: seven channels want 2.6 rows; the divisors are 1 and 7.
  const auto cost = [](const GridSplit& s) {
    double worst = 0;
    for (int c = 0; c < s.channels(); ++c)
      worst = std::max(worst, static_cast<double>(s.k_of(c, 4096, 64).size() + s.n_of(c, 4096).size()));
    return worst;
  };
  const SplitChoice choice = search_split(7, closed_form_split(4096, 4096, 7, 1.0), cost);
  EXPECT_EQ(choice.split.text(), "3 (3 + 2 + 2)");
  EXPECT_LT(choice.cost, choice.fallback_cost);
  const SplitChoice same = search_split(4, grid_of(4, 2), cost);
  EXPECT_EQ(same.split.text(), "2 x 2");
  EXPECT_EQ(same.cost, same.fallback_cost);
}

TilingProblem random_problem(std::mt19937_64& random) {
  TilingProblem p;
  p.count = 1 + static_cast<std::int64_t>(random() % 4);
  p.m = 1 + static_cast<std::int64_t>(random() % 16);
  p.k = 1 + static_cast<std::int64_t>(random() % 16384);
  p.n = 1 + static_cast<std::int64_t>(random() % 2000);
  p.bits.stationary = random() % 2 == 0 ? 16 : 4;
  p.banks = 16;
  p.port = port_timing(testing::h2llm_system().dram, testing::h2llm_system().nmp, true);
  return p;
}

TEST(Tiling, every_choice_fits_the_buffers) {
  std::mt19937_64 random(5);
  for (int trial = 0; trial < test::scaled(60); ++trial) {
    NmpConfig nmp = testing::h2llm_system().nmp;
    nmp.pe.weight_buffer_kib = static_cast<double>(4 << (random() % 6));
    nmp.input_buffer_kib = static_cast<double>(4 << (random() % 6));
    nmp.pe.output_buffer_kib = 0.25 * static_cast<double>(1 << (random() % 6));
    const TilingProblem p = random_problem(random);
    const auto tiling = choose_tiling(nmp, p);
    ASSERT_TRUE(tiling) << "seed 5, trial " << trial;
    EXPECT_TRUE(fits(nmp, p, *tiling));
    EXPECT_LE(tiling->n_tile, p.n);
    EXPECT_LE(tiling->k_tile, p.k);
  }
}

/// Cuts whose bound is no better than the best are not tiled: were the bound too high, the best would be lost.
TEST(Tiling, no_choice_takes_less_than_the_bound_of_its_share) {
  std::mt19937_64 random(23);
  int chosen = 0;
  double nearest = 0;
  for (int trial = 0; trial < 30; ++trial) {
    NmpConfig nmp = testing::h2llm_system().nmp;
    nmp.pe.double_buffered_weights = random() % 2 == 0;
    nmp.pe.rows_per_read = static_cast<int>(random() % 3) * 2;
    nmp.pe.weight_buffer_kib = random() % 2 == 0 ? 32 : 4;
    nmp.pe.clock_mhz = random() % 2 == 0 ? 600 : 2400;
    TilingProblem p = random_problem(random);
    p.count = 1;
    p.k = 1 + p.k % 2048;
    p.n = 1 + p.n % 500;
    const auto tiling = choose_tiling(nmp, p);
    if (!tiling) continue;
    ++chosen;
    const double bound = share_bound_ps(nmp, p), cost = tiling_cost_ps(nmp, p, *tiling);
    EXPECT_LE(bound, cost) << "seed 23, trial " << trial << ": m " << p.m << ", k " << p.k << ", n " << p.n;
    nearest = std::max(nearest, bound / cost);
  }
  EXPECT_GT(chosen, 20);
  EXPECT_GT(nearest, 0.8) << "a bound of nothing would hold too";
}

TEST(Tiling, the_choice_is_near_the_best_of_all_tiles_of_whole_fpus) {
  std::mt19937_64 random(6);
  for (int trial = 0; trial < 20; ++trial) {
    const NmpConfig nmp = testing::h2llm_system().nmp;
    TilingProblem p = random_problem(random);
    p.k = 1 + p.k % 500;
    p.n = 1 + p.n % 120;
    double best = 0;
    for (std::int64_t n = 1; n <= p.n; ++n) {
      for (std::int64_t k = 1; k <= p.k; ++k) {
        const bool whole = (n == p.n || n % nmp.pe.fpus == 0) && (k == p.k || k % nmp.pe.macs_per_fpu == 0);
        if (!whole || !fits(nmp, p, {n, k, LoopOrder::output_stationary})) continue;
        const double cost = tiling_cost_ps(nmp, p, {n, k, LoopOrder::output_stationary});
        best = best == 0 ? cost : std::min(best, cost);
      }
    }
    // Only nearly equal parts are tried; the shares are so small that one load is some percent of them.
    EXPECT_LE(tiling_cost_ps(nmp, p, *choose_tiling(nmp, p)), 1.05 * best) << "seed 6, trial " << trial;
  }
}

/// 64 rows of input keep the PEs computing; where the buffer has room for one tile, they wait for each of 64 to 256 tiles, a tenth of the
/// time.
TEST(Tiling, bound_counts_the_waits_for_an_input_buffer_of_one_tile) {
  TilingProblem p;
  p.m = 64;
  p.k = 4096;
  p.n = 128;
  p.banks = 16;
  p.port = port_timing(testing::h2llm_system().dram, testing::h2llm_system().nmp, true);
  for (const std::int64_t k_tile : {256, 512}) {
    for (const std::int64_t n_tile : {8, 16}) {
      NmpConfig nmp = testing::h2llm_system().nmp;
      nmp.pe.output_buffer_kib = 64;
      nmp.input_buffer_kib = static_cast<double>(64 * k_tile * 2) / 1024;
      const NmpTiling tiling{n_tile, k_tile, LoopOrder::output_stationary};
      const double bound = tiling_bound_ps(nmp, p, tiling), cost = tiling_cost_ps(nmp, p, tiling);
      EXPECT_LE(bound, cost) << n_tile << " x " << k_tile;
      EXPECT_GE(bound, 0.94 * cost) << n_tile << " x " << k_tile;
    }
  }
}

/// The output buffer holds 144 columns of 64 sums of 32 bits, a sixteenth of all; each n tile loads the input again.
TEST(Tiling, takes_a_sixteenth_of_the_columns_where_that_fills_the_output_buffer) {
  NmpConfig nmp = testing::h2llm_system().nmp;
  nmp.pe.output_buffer_kib = 36;
  nmp.pe.weight_buffer_kib = 64;
  TilingProblem p;
  p.m = 64;
  p.k = 4096;
  p.n = 16 * 144;
  p.banks = 16;
  p.port = port_timing(testing::h2llm_system().dram, nmp, false);
  ASSERT_FALSE(input_resident(nmp, p));
  const auto tiling = choose_tiling(nmp, p);
  ASSERT_TRUE(tiling);
  EXPECT_EQ(tiling->n_tile, 144);
}

TEST(Tiling, no_tile_is_reported_when_one_column_of_sums_does_not_fit) {
  NmpConfig nmp = testing::h2llm_system().nmp;
  nmp.pe.output_buffer_kib = 0.25;  // 64 sums of 32 bits
  TilingProblem p;
  p.m = 64;
  p.k = 64;
  p.n = 8;
  p.banks = 16;
  p.port = port_timing(testing::h2llm_system().dram, nmp, true);
  EXPECT_TRUE(choose_tiling(nmp, p));
  p.m = 65;
  EXPECT_FALSE(choose_tiling(nmp, p));
}

TEST(Tiling, rows_that_leave_sums_of_less_than_the_fpus_columns_cost_in_proportion) {
  // 4 KiB of sums of 32 bits: 8 columns of 128 rows, 7 of 144, 4 of 256; 8 FPUs take the columns of a tile at once.
  const NmpConfig nmp = testing::h2llm_system().nmp;
  const auto cost = [&](std::int64_t m) {
    TilingProblem p;
    p.m = m;
    p.k = 2048;
    p.n = 149;
    p.banks = 16;
    p.port = port_timing(testing::h2llm_system().dram, nmp, false);
    return tiling_cost_ps(nmp, p, *choose_tiling(nmp, p));
  };
  for (std::int64_t m = 128; m < 256; m += 16) {
    EXPECT_GT(cost(m + 16), cost(m)) << m;
    EXPECT_LT(cost(m + 16) / cost(m), 1.4) << m;  // (5 / 4) x (208 / 192) and whole tiles
  }
}

TEST(Tiling, cost_of_a_memory_bound_share_is_its_bytes_over_the_port_and_its_rows) {
  // One row of input: every weight is used once, so a PE is bound by its port: 256 columns x 2048 x 2 B at 25.6 GB/s, and 512 rows of 2
  // KiB, each closed and the next opened n_rtp + n_rp + n_rcd and the rounding to CK later.
  NmpConfig nmp = testing::h2llm_system().nmp;
  TilingProblem p;
  p.m = 1;
  p.k = 2048;
  p.n = 256;
  p.banks = 16;
  p.port = port_timing(testing::h2llm_system().dram, nmp, false);
  const double stream_ps = 256.0 * 2048 * 2 / 25.6 * 1000 + 512.0 * static_cast<double>(row_gap_ps(p.port));
  EXPECT_EQ(row_gap_ps(p.port), 45000) << "PRE at 60 cycles of CK, 15 and 15 more, less 80 ns of accesses";
  EXPECT_NEAR(tiling_cost_ps(nmp, p, *choose_tiling(nmp, p)) / stream_ps, 1.0, 0.01);
}

}  // namespace
}  // namespace bondsim
