#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "mapping/cost/rank_correlation.hpp"

namespace bondsim::cost {
namespace {

/// Both by their definitions, over all pairs.
TEST(RankCorrelation, agrees_with_its_definition_on_lists_with_ties) {
  EXPECT_DOUBLE_EQ(kendall_tau({1, 2, 3}, {10, 20, 30}), 1);
  EXPECT_DOUBLE_EQ(kendall_tau({1, 2, 3}, {3, 2, 1}), -1);
  EXPECT_DOUBLE_EQ(spearman_rho({1, 2, 3, 4}, {1, 8, 27, 64}), 1);
  // Worked by hand: pairs of a in order 6, one tie; b has one tie elsewhere.
  EXPECT_NEAR(kendall_tau({1, 2, 2, 3}, {1, 3, 2, 3}), 4 / std::sqrt(5.0 * 5.0), 1e-15);
  EXPECT_EQ(ranks({5, 1, 5, 7}), (std::vector<double>{2.5, 1, 2.5, 4}));
  // Without ties, Spearman is 1 - 6 sum d^2 / (n (n^2 - 1)).
  std::mt19937 random(3);
  for (int round = 0; round < 20; ++round) {
    std::vector<double> a(12);
    std::vector<double> b(12);
    for (std::size_t i = 0; i < a.size(); ++i) a[i] = b[i] = static_cast<double>(i);
    std::shuffle(a.begin(), a.end(), random);
    double d2 = 0;
    for (std::size_t i = 0; i < a.size(); ++i) d2 += (a[i] - b[i]) * (a[i] - b[i]);
    EXPECT_NEAR(spearman_rho(a, b), 1 - 6 * d2 / (12 * 143), 1e-12);
  }
  EXPECT_TRUE(std::isnan(kendall_tau({1, 1}, {1, 2})));
  EXPECT_TRUE(std::isnan(spearman_rho({1, 2}, {2, 2})));
}

}  // namespace
}  // namespace bondsim::cost
