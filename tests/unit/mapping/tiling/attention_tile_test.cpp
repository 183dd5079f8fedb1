#include "mapping/tiling/attention_tile.hpp"

#include <gtest/gtest.h>

#include <random>

#include "models/base/quantity.hpp"
#include "tests/support/mapping_setup.hpp"

namespace bondsim {
namespace {

AttentionProblem random_problem(std::mt19937_64& random) {
  const auto in = [&](std::int64_t least, std::int64_t most) { return std::uniform_int_distribution<std::int64_t>(least, most)(random); };
  AttentionProblem p;
  p.heads = in(1, 64);
  p.context = in(1, 6000);
  p.m = p.context * in(1, 8);
  p.head_dim = 32 * in(1, 8);
  p.channels_per_head = static_cast<int>(in(1, 8));
  p.activation_bytes = in(1, 64) << 20;
  p.stationary_bytes = in(1, 16) << 20;
  return p;
}

/// Against every tile of a grid; the tile chosen is within the tolerance of the best of them.
TEST(AttentionTile, fits_and_no_tile_of_a_grid_is_much_faster) {
  const System system = testing::h2llm_system();
  std::mt19937_64 random(20261121);
  double worst = 1;
  for (int i = 0; i < 200; ++i) {
    const AttentionProblem p = random_problem(random);
    const AttentionTile chosen = choose_attention_tile(system, p);
    EXPECT_LE(score_bytes(p, chosen), p.activation_bytes);
    EXPECT_LE(stationary_bytes(p, chosen), p.stationary_bytes);
    const double seconds = attention_seconds(system, p, chosen);
    double best = seconds;
    for (std::int64_t heads = 1; heads <= std::min<std::int64_t>(p.heads, system.channel_count()); ++heads) {
      for (int r = 1; r <= 40; ++r) {
        for (int c = 1; c <= 40; ++c) {
          for (const bool keeps : {false, true}) {
            const AttentionTile t{heads, ceil_div<std::int64_t>(p.m, r), ceil_div<std::int64_t>(p.context, c), keeps};
            if (score_bytes(p, t) > p.activation_bytes || stationary_bytes(p, t) > p.stationary_bytes) continue;
            best = std::min(best, attention_seconds(system, p, t));
          }
        }
      }
    }
    worst = std::max(worst, seconds / best);
    EXPECT_LE(seconds, 1.15 * best) << "problem " << i << ": " << p.heads << " heads, [" << p.m << ", " << p.context << "], "
                                    << chosen.heads << " x " << chosen.rows << " x " << chosen.columns;
  }
  RecordProperty("worst_over_best_of_grid", std::to_string(worst));
}

TEST(AttentionTile, more_scratchpad_never_costs_time) {
  const System system = testing::h2llm_system();
  std::mt19937_64 random(7);
  for (int i = 0; i < 200; ++i) {
    AttentionProblem p = random_problem(random);
    const double before = attention_seconds(system, p, choose_attention_tile(system, p));
    p.activation_bytes *= 2;
    p.stationary_bytes *= 2;
    EXPECT_LE(attention_seconds(system, p, choose_attention_tile(system, p)), 1.002 * before) << "problem " << i;
  }
}

TEST(AttentionTile, a_scratchpad_that_holds_nothing_gets_the_least_tile) {
  const System system = testing::h2llm_system();
  AttentionProblem p;
  p.heads = 8;
  p.m = 4096;
  p.context = 1024;
  p.head_dim = 128;
  const AttentionTile t = choose_attention_tile(system, p);
  EXPECT_EQ(t.heads, 1);
  EXPECT_EQ(t.rows, 128);
  EXPECT_EQ(t.columns, 128);
}

}  // namespace
}  // namespace bondsim
