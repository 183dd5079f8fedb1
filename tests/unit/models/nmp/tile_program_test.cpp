#include "models/nmp/tile_program.hpp"

#include <gtest/gtest.h>

#include <random>

#include "models/base/quantity.hpp"

namespace bondsim {
namespace {

NmpConfig h2llm_nmp() {
  NmpConfig nmp;
  nmp.hb = {25.6, 64};
  nmp.pe.fpus = 8;
  nmp.pe.macs_per_fpu = 16;
  nmp.pe.clock_mhz = 600;
  nmp.pe.weight_buffer_kib = 32;
  nmp.pe.output_buffer_kib = 4;
  nmp.input_buffer_kib = 32;
  return nmp;
}

Extent share(std::int64_t bytes_per_bank, int longer = 0, std::int64_t extra = 0) {
  Extent e;
  e.banks = 16;
  e.bytes_per_bank = bytes_per_bank;
  e.longer_banks = longer;
  e.extra_bytes = extra;
  return e;
}

NmpGemm gemm(std::int64_t m, std::int64_t n, std::int64_t k, NmpTiling tiling) {
  NmpGemm g;
  g.shape = {1, m, n, k};
  g.pes_per_gemm = 16;
  g.tiling = tiling;
  const std::int64_t columns = n / 16;
  const int longer = static_cast<int>(n % 16);
  g.input = {share(ceil_div<std::int64_t>(m * k * 2, 16 * 64) * 64)};
  g.stationary = {share(columns * k * 2, longer, longer > 0 ? k * 2 : 0)};
  g.output = {share(ceil_div<std::int64_t>(m * ceil_div<std::int64_t>(n, 16) * 2, 64) * 64)};
  g.partials = {share(ceil_div<std::int64_t>(m * ceil_div<std::int64_t>(n, 16) * 4, 64) * 64)};
  return g;
}

struct Totals {
  std::int64_t input = 0, weights = 0, output = 0, partials = 0, cycles = 0;
  int opens = 0, closes = 0;
};

Totals run(const NmpGemm& g, const NmpConfig& nmp) {
  TileProgram program(g, nmp);
  Totals t;
  for (TileStep step = program.next(); step.kind != TileStep::Kind::end; step = program.next()) {
    std::int64_t bytes = 0;
    for (const Extent& e : step.extents) bytes += e.bytes();
    switch (step.kind) {
      case TileStep::Kind::load_input:
        t.input += bytes;
        break;
      case TileStep::Kind::load_partials:
        t.partials += bytes;
        break;
      case TileStep::Kind::load_weights:
        t.weights += bytes;
        t.cycles += step.cycles;
        t.opens += step.opens_tile;
        t.closes += step.closes_tile;
        EXPECT_LE(bytes / 16, 16 * 1024 + 64) << "a piece fits half the weight buffer";
        break;
      default:
        t.output += bytes;
    }
  }
  return t;
}

TEST(TileProgram, gemv_loads_its_input_once_and_every_weight_once) {
  const NmpGemm g = gemm(1, 1366, 2048, {86, 2048, LoopOrder::output_stationary});
  const Totals t = run(g, h2llm_nmp());
  EXPECT_EQ(t.weights, 1366 * 2048 * 2);
  EXPECT_EQ(t.input, g.input[0].bytes());
  EXPECT_EQ(t.output, g.output[0].bytes());
  EXPECT_EQ(t.opens, 1);
  EXPECT_EQ(t.closes, 1);
  EXPECT_EQ(t.cycles, (2048 / 16) * ((86 + 7) / 8));
}

TEST(TileProgram, input_is_loaded_again_for_each_n_tile_when_it_does_not_fit) {
  const NmpGemm g = gemm(16, 1024, 4096, {32, 1024, LoopOrder::output_stationary});
  const Totals t = run(g, h2llm_nmp());
  EXPECT_EQ(t.input, 2 * g.input[0].bytes()) << "64 columns a PE in tiles of 32";
  EXPECT_EQ(t.weights, 1024 * 4096 * 2);
}

TEST(TileProgram, input_stationary_spills_partial_sums_instead) {
  const NmpGemm g = gemm(16, 1024, 4096, {32, 1024, LoopOrder::input_stationary});
  TileProgram program(g, h2llm_nmp());
  std::int64_t loaded_partials = 0, stored = 0, input = 0;
  for (TileStep step = program.next(); step.kind != TileStep::Kind::end; step = program.next()) {
    std::int64_t bytes = 0;
    for (const Extent& e : step.extents) bytes += e.bytes();
    if (step.kind == TileStep::Kind::load_input) input += bytes;
    if (step.kind == TileStep::Kind::load_partials) loaded_partials += bytes;
    if (step.kind == TileStep::Kind::store_output) stored += bytes;
  }
  EXPECT_EQ(input, g.input[0].bytes());
  EXPECT_EQ(loaded_partials, 3 * g.partials[0].bytes()) << "four k tiles";
  EXPECT_EQ(stored, 3 * g.partials[0].bytes() + g.output[0].bytes());
}

TEST(TileProgram, random_tilings_move_every_weight_byte_exactly_once) {
  const std::uint64_t seed = 20261121;
  std::mt19937_64 random(seed);
  for (int i = 0; i < 500; ++i) {
    const auto pick = [&](std::int64_t lo, std::int64_t hi) {
      return lo + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(hi - lo + 1));
    };
    const std::int64_t m = pick(1, 8), n = pick(16, 3000), k = 32 * pick(1, 60);
    const std::int64_t columns = ceil_div<std::int64_t>(n, 16);
    const NmpTiling tiling{pick(1, std::min<std::int64_t>(columns, 1024 / m)), std::min<std::int64_t>(k, 16 * pick(1, 100)),
                           i % 2 == 0 ? LoopOrder::output_stationary : LoopOrder::input_stationary};
    if (m * tiling.k_tile * 2 > 32 * 1024) continue;
    const NmpGemm g = gemm(m, n, k, tiling);
    EXPECT_EQ(run(g, h2llm_nmp()).weights, n * k * 2) << "seed " << seed << " case " << i;
  }
}

TEST(TileProgram, an_fpu_takes_sixteen_of_k_of_one_column_a_cycle) {
  const PeConfig pe = h2llm_nmp().pe;
  EXPECT_EQ(TileProgram::compute_cycles(1, 16, 8, pe), 1);
  EXPECT_EQ(TileProgram::compute_cycles(1, 17, 8, pe), 2);
  EXPECT_EQ(TileProgram::compute_cycles(1, 16, 9, pe), 2);
  EXPECT_EQ(TileProgram::compute_cycles(3, 32, 16, pe), 12);
}

}  // namespace
}  // namespace bondsim
