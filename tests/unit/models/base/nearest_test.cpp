#include "models/base/nearest.hpp"

#include <gtest/gtest.h>

namespace bondsim {
namespace {

TEST(NearestName, is_the_one_with_the_fewest_edits) {
  EXPECT_EQ(nearest_name("bandwith", {"banks", "bandwidth", "bandwidths"}), "bandwidth");
  EXPECT_EQ(nearest_name("rn", {"map", "run"}), "run");
  EXPECT_EQ(nearest_name("valdiate", {"estimate", "validate"}), "validate");  // two letters swapped: two edits
}

TEST(NearestName, is_empty_past_three_edits_or_when_nothing_of_the_word_is_left) {
  EXPECT_EQ(nearest_name("abcdefgh", {"abcd"}), "");
  EXPECT_EQ(nearest_name("abcdefgh", {"abcde"}), "abcde");
  EXPECT_EQ(nearest_name("fly", {"run", "map"}), "");
  EXPECT_EQ(nearest_name("", {"a"}), "");
  EXPECT_EQ(did_you_mean("fly", {"run"}), "");
}

TEST(NearestName, is_the_first_of_equals) { EXPECT_EQ(nearest_name("cat", {"bat", "car"}), "bat"); }

TEST(NearestName, long_inputs_cost_nothing) {
  const std::string written(1 << 20, 'a');
  EXPECT_EQ(nearest_name(written, {"aaaa", "b"}), "");
}

}  // namespace
}  // namespace bondsim
