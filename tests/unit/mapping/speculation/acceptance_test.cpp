#include "mapping/speculation/acceptance.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "mapping/speculation/token_tree.hpp"

namespace bondsim::speculation {
namespace {

constexpr int verifications = 20000;

SpeculationConfig config(int depth, std::vector<double> acceptance, std::vector<int> width = {}) {
  SpeculationConfig c;
  c.depth = depth;
  c.acceptance = std::move(acceptance);
  c.width = std::move(width);
  return c;
}

double mean_tokens(const SpeculationConfig& c) {
  Acceptance acceptance(c);
  double sum = 0;
  for (int i = 0; i < verifications; ++i) sum += static_cast<double>(acceptance.draw(i % 4, i / 4).tokens());
  return sum / verifications;
}

/// One, and of every draft of the tree, listed one by one, the product of the chances on its way.
double tokens_by_nodes(const SpeculationConfig& c) {
  std::vector<double> level = {1};
  double sum = 1;
  for (int i = 0; i < c.depth; ++i) {
    std::vector<double> next;
    for (const double way : level) {
      for (int rank = 0; rank < c.width_at(i); ++rank) next.push_back(way * c.acceptance_at(i) * std::pow(1 - c.acceptance_at(i), rank));
    }
    for (const double way : next) sum += way;
    level = next;
  }
  return sum;
}

TEST(Acceptance, mean_of_a_chain_is_the_geometric_sum) {
  for (const int depth : {1, 2, 4, 8}) {
    for (const double a : {0.3, 0.5, 0.8, 0.95}) {
      const double formula = (1 - std::pow(a, depth + 1)) / (1 - a);
      EXPECT_NEAR(mean_tokens(config(depth, {a})) / formula, 1, 0.01) << "depth " << depth << ", acceptance " << a;
      EXPECT_NEAR(expected_tokens(config(depth, {a})), formula, 1e-12);
    }
  }
}

TEST(Acceptance, mean_of_a_tree_is_the_sum_over_its_drafts) {
  for (const std::uint64_t seed : {11u, 12u, 13u, 14u, 15u, 16u}) {
    std::mt19937_64 random(seed);
    const auto below = [&](int limit) { return static_cast<int>(random() % static_cast<std::uint64_t>(limit)); };
    SpeculationConfig c = config(1 + below(4), {0.3 + 0.1 * below(7), 0.3 + 0.1 * below(7)}, {1 + below(4), 1 + below(3)});
    c.seed = seed;
    EXPECT_NEAR(mean_tokens(c) / tokens_by_nodes(c), 1, 0.01) << "seed " << seed;
    EXPECT_NEAR(expected_tokens(c), tokens_by_nodes(c), 1e-12) << "seed " << seed;
  }
}

TEST(Acceptance, certain_refusal_gives_one_token_and_certain_acceptance_all) {
  for (const int depth : {0, 1, 3, 7}) {
    EXPECT_EQ(mean_tokens(config(depth, {0.0}, {2})), 1) << depth;
    EXPECT_EQ(mean_tokens(config(depth, {1.0}, {2, 1})), depth + 1) << depth;
  }
}

TEST(Acceptance, draws_depend_on_seed_request_and_verification_alone) {
  const SpeculationConfig c = config(6, {0.7}, {2, 1});
  Acceptance one(c), other(c);
  for (int i = 40; i-- > 0;) other.draw(2, i);
  for (int i = 0; i < 40; ++i) EXPECT_EQ(one.draw(3, i).places, other.draw(3, i).places);
  SpeculationConfig seeded = c;
  seeded.seed = 2;
  Acceptance third(seeded);
  int different = 0;
  for (int i = 0; i < 40; ++i) different += one.draw(0, i).places != third.draw(0, i).places;
  EXPECT_GT(different, 10);
}

TEST(Acceptance, a_trace_gives_its_lengths_in_order_and_begins_again) {
  SpeculationConfig c = config(4, {});
  c.trace = {2, 0, 4};
  Acceptance acceptance(c);
  for (const int accepted : {2, 0, 4, 2, 0, 4}) EXPECT_EQ(acceptance.draw(accepted, 5).tokens(), accepted + 1);
  EXPECT_DOUBLE_EQ(expected_tokens(c), 3);
}

TEST(TokenTree, masked_scores_are_those_of_drafts_not_on_the_way_back) {
  for (const std::vector<int>& width : {std::vector<int>{}, {2}, {3, 1, 2}, {4, 2, 1}}) {
    const TokenTree tree(config(4, {0.5}, width));
    // Row by row: the parent of each, and who sees whom.
    std::vector<int> parent = {-1}, level = {0};
    for (int depth = 0; depth < 4; ++depth) {
      std::vector<int> next;
      for (const int p : level) {
        for (int i = 0; i < config(4, {}, width).width_at(depth); ++i) {
          next.push_back(static_cast<int>(parent.size()));
          parent.push_back(p);
        }
      }
      level = next;
    }
    std::int64_t seen = 0;
    for (int row = 0; row < static_cast<int>(parent.size()); ++row) {
      for (int at = row; at >= 0; at = parent[static_cast<std::size_t>(at)]) ++seen;
    }
    const auto rows = static_cast<std::int64_t>(parent.size());
    EXPECT_EQ(tree.rows(), rows);
    EXPECT_EQ(tree.masked_scores(), rows * rows - seen);
  }
}

}  // namespace
}  // namespace bondsim::speculation
