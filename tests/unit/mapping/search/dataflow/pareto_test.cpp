#include "mapping/search/dataflow/pareto.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace bondsim::search {
namespace {

using Values = std::vector<double>;

/// By the definition, pair by pair: kept are those that no other equals earlier or beats.
std::vector<Values> by_definition(const std::vector<Values>& all) {
  std::vector<Values> kept;
  for (std::size_t i = 0; i < all.size(); ++i) {
    bool beaten = false;
    for (std::size_t j = 0; j < all.size(); ++j) {
      bool no_worse = i != j;
      for (std::size_t v = 0; v < all[i].size(); ++v) no_worse = no_worse && all[j][v] <= all[i][v];
      beaten = beaten || (no_worse && (all[j] != all[i] || j < i));
    }
    if (!beaten) kept.push_back(all[i]);
  }
  std::sort(kept.begin(), kept.end());
  return kept;
}

TEST(KeepUndominated, keeps_what_the_definition_keeps_for_one_to_four_values_with_ties) {
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    const std::size_t width = 1 + random() % 4;
    std::vector<Values> all(random() % 40);
    for (Values& values : all) {
      for (std::size_t v = 0; v < width; ++v) values.push_back(static_cast<double>(random() % 6));
    }
    std::vector<Values> kept = all;
    kept.erase(keep_undominated(kept.begin(), kept.end(), [](const Values& v) { return v; }), kept.end());
    EXPECT_EQ(kept, by_definition(all)) << "round " << round;
  }
}

}  // namespace
}  // namespace bondsim::search
