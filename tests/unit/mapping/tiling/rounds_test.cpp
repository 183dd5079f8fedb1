#include "mapping/tiling/rounds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "mapping/layout/memory_map.hpp"
#include "models/nmp/tile_program.hpp"

namespace bondsim {
namespace {

TEST(Rounds, nine_products_on_sixteen_banks_are_eight_and_one) {
  // A round takes as long as one of its products on banks / products PEs.
  const auto round_ps = [](std::int64_t together) { return 100.0 / static_cast<double>(16 / together) + 1; };
  const auto rounds = choose_rounds(9, 16, round_ps);
  ASSERT_EQ(rounds.size(), 2U);
  EXPECT_EQ(rounds[0].products, 8);
  EXPECT_EQ(rounds[1].products, 1);
  EXPECT_DOUBLE_EQ(rounds_estimate_ps(rounds, round_ps), 50 + 6.25 + 2);
}

TEST(Rounds, an_expensive_round_keeps_products_together) {
  const auto rounds = choose_rounds(9, 16, [](std::int64_t together) { return 100.0 / static_cast<double>(16 / together) + 60; });
  ASSERT_EQ(rounds.size(), 1U);
  EXPECT_EQ(rounds[0].products, 9);
}

/// Least sum of any way to cut `left` into rounds of at most `most`, tried one by one.
double least(std::int64_t left, std::int64_t most, const std::vector<double>& of_round) {
  if (left == 0) return 0;
  double best = 1e300;
  for (std::int64_t n = std::min(left, most); n > 0; --n) {
    best = std::min(best, of_round[static_cast<std::size_t>(n)] + least(left - n, n, of_round));
  }
  return best;
}

TEST(Rounds, are_the_best_of_all_cuts) {
  std::mt19937_64 random(77);
  for (int i = 0; i < 200; ++i) {
    const int banks = 2 + static_cast<int>(random() % 14);
    const auto products = 1 + static_cast<std::int64_t>(random() % 40);
    std::vector<double> of_round(static_cast<std::size_t>(banks) + 1);
    for (double& ps : of_round) ps = static_cast<double>(1 + random() % 1000);
    const auto round_ps = [&](std::int64_t n) { return of_round[static_cast<std::size_t>(n)]; };
    const auto rounds = choose_rounds(products, banks, round_ps);
    std::int64_t sum = 0;
    for (const ProductRound& r : rounds) sum += r.products * r.times;
    EXPECT_EQ(sum, products);
    const double full = static_cast<double>(products / banks) * of_round.back();
    EXPECT_DOUBLE_EQ(rounds_estimate_ps(rounds, round_ps), full + least(products % banks, banks, of_round)) << "case " << i;
  }
}

TEST(SideBySide, uneven_gemms_are_one_extent_that_moves_at_once) {
  // Three GEMMs on four PEs each, the first PE of each with a token more.
  const auto bytes = [](int pe) { return pe == 0 ? 128 : 64; };
  const auto extents = side_by_side({0, 2, 3, 4}, 4096, bytes);
  ASSERT_EQ(extents.size(), 1U);
  const Extent& e = extents.front();
  EXPECT_EQ(e.first_bank, 2);
  EXPECT_EQ(e.banks, 12);
  for (int bank = 0; bank < 12; ++bank) EXPECT_EQ(e.bytes_of_bank(bank), bytes(bank % 4)) << "bank " << bank;
  EXPECT_EQ(e.bytes(), 3 * (128 + 3 * 64));
  EXPECT_EQ(HbOperand(extents).slice(0, 64).size(), 1U);
}

TEST(SideBySide, gemms_with_fewer_tokens_than_pes_are_one_extent) {
  const auto extents = side_by_side({0, 0, 2, 8}, 0, [](int pe) { return pe < 3 ? 64 : 0; });
  ASSERT_EQ(extents.size(), 1U);
  EXPECT_EQ(extents.front().bytes(), 2 * 3 * 64);
  EXPECT_EQ(extents.front().bytes_of_bank(11), 0);
  EXPECT_TRUE(side_by_side({0, 0, 2, 8}, 0, [](int) { return 0; }).empty());
}

TEST(SideBySide, operands_written_gemm_by_gemm_move_at_once_too) {
  std::vector<Extent> extents;
  for (int gemm = 0; gemm < 3; ++gemm) {
    for (const Extent& e : side_by_side({0, 4 * gemm, 1, 4}, 0, [](int pe) { return pe < 2 ? 192 : 128; })) extents.push_back(e);
  }
  EXPECT_EQ(extents.size(), 3U);
  const HbOperand operand(extents);
  EXPECT_EQ(operand.bytes(), 192);
  ASSERT_EQ(operand.slice(64, 192).size(), 1U);
  EXPECT_EQ(operand.slice(64, 192).front().bytes(), 3 * 2 * (128 + 64));
}

TEST(SideBySide, parts_of_an_operand_are_read_one_after_the_other) {
  Extent first, second;
  first.banks = second.banks = 2;
  first.bytes_per_bank = 128;
  second.bank_offset = 4096;
  second.bytes_per_bank = 256;
  const HbOperand operand({first, second});
  EXPECT_EQ(operand.bytes(), 384);
  EXPECT_EQ(operand.slice(0, 128).size(), 1U);
  const auto both = operand.slice(64, 192);
  ASSERT_EQ(both.size(), 2U);
  EXPECT_EQ(both[0].bank_offset, 64);
  EXPECT_EQ(both[1].bank_offset, 4096);
  EXPECT_EQ(both[1].bytes_per_bank, 64);
}

}  // namespace
}  // namespace bondsim
