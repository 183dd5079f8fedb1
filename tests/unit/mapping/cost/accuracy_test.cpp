#include "mapping/cost/accuracy.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "models/base/error.hpp"

namespace bondsim::cost {
namespace {

TEST(Accuracy, errors_are_relative_to_the_measurement) {
  const Accuracy a = accuracy({1.1, 1.8, 4.0}, {1.0, 2.0, 4.0});
  EXPECT_EQ(a.points, 3u);
  EXPECT_NEAR(a.mape_percent, (10.0 + 10.0 + 0.0) / 3, 1e-9);
  EXPECT_NEAR(a.bias_percent, 0.0, 1e-9);
  EXPECT_NEAR(std::abs(a.worst_percent), 10.0, 1e-9);
}

TEST(Accuracy, worst_keeps_its_sign_and_place) {
  const Accuracy a = accuracy({1.0, 1.0, 3.3}, {1.0, 2.0, 3.0});
  EXPECT_NEAR(a.worst_percent, -50.0, 1e-9);
  EXPECT_EQ(a.worst_point, 1u);
}

TEST(Accuracy, a_bound_is_gated_by_its_highest_error) {
  const Accuracy below = accuracy({0.5, 1.0, 2.9}, {1.0, 1.0, 3.0});
  EXPECT_NEAR(below.highest_percent, 0.0, 1e-12);
  EXPECT_TRUE(Gate::parse("over=0").missed(below).empty());
  const Accuracy above = accuracy({0.5, 1.001, 2.9}, {1.0, 1.0, 3.0});
  EXPECT_NEAR(above.highest_percent, 0.1, 1e-9);
  EXPECT_EQ(Gate::parse("over=0").missed(above).size(), 1u);
}

TEST(Accuracy, pearson_is_one_on_a_line_and_not_elsewhere) {
  EXPECT_NEAR(accuracy({1, 2, 3, 4}, {3, 5, 7, 9}).pearson_r, 1.0, 1e-12);
  EXPECT_NEAR(accuracy({4, 3, 2, 1}, {3, 5, 7, 9}).pearson_r, -1.0, 1e-12);
  EXPECT_NEAR(accuracy({1, 2, 3}, {1, 3, 2}).pearson_r, 0.5, 1e-12);
}

TEST(Accuracy, kendall_counts_pairs_in_order) {
  EXPECT_NEAR(accuracy({1, 2, 3, 4}, {1, 4, 9, 16}).kendall_tau, 1.0, 1e-12);
  EXPECT_NEAR(accuracy({1, 2, 3, 4}, {1, 2, 4, 3}).kendall_tau, 4.0 / 6, 1e-12);
  // Tau-b: of 6 pairs 5 are untied on the left and all are on the right; all 5 agree.
  EXPECT_NEAR(accuracy({1, 2, 2, 3}, {1, 2, 3, 4}).kendall_tau, 5 / std::sqrt(30.0), 1e-12);
}

TEST(Accuracy, devices_are_ranked_inside_each_group) {
  // Over all points the ranks agree but for one pair; inside group b they are opposite.
  const Accuracy a = accuracy({1, 2, 30, 20, 7}, {1, 2, 20, 30, 9}, {"a", "a", "b", "b", ""});
  EXPECT_EQ(a.groups.count, 2u);
  EXPECT_NEAR(a.groups.mean_tau, 0.0, 1e-12);
  EXPECT_NEAR(a.groups.lowest_tau, -1.0, 1e-12);
  EXPECT_EQ(a.groups.lowest, "b");
  EXPECT_GT(a.kendall_tau, 0.7);
}

TEST(Accuracy, gate_on_device_ranks_needs_a_group) {
  EXPECT_TRUE(Gate::parse("device_tau=0.95").missed(accuracy({1, 2}, {1, 2}, {"a", "a"})).empty());
  EXPECT_EQ(Gate::parse("device_tau=0.95").missed(accuracy({2, 1}, {1, 2}, {"a", "a"})).size(), 1u);
  EXPECT_EQ(Gate::parse("device_tau=0.95").missed(accuracy({1, 2}, {1, 2}, {"a", "b"})).size(), 1u);
  EXPECT_EQ(Gate::parse("device_tau=0.95").missed(accuracy({1, 2}, {1, 2})).size(), 1u);
}

TEST(Accuracy, gate_names_what_it_misses) {
  const Accuracy a = accuracy({1.1, 1.8, 4.0}, {1.0, 2.0, 4.0});
  EXPECT_TRUE(Gate::parse("mape=7,worst=11,tau=0.9,r=0.9,bias=1").missed(a).empty());
  const auto missed = Gate::parse("mape=6,tau=0.9,worst=9").missed(a);
  ASSERT_EQ(missed.size(), 2u);
  EXPECT_NE(missed[0].find("mape"), std::string::npos);
  EXPECT_NE(missed[1].find("worst"), std::string::npos);
}

TEST(Accuracy, gate_without_points_is_missed) { EXPECT_EQ(Gate::parse("mape=100").missed(accuracy({}, {})).size(), 1u); }

TEST(Accuracy, gate_text_is_checked) {
  EXPECT_THROW(Gate::parse("mope=3"), ConfigError);
  EXPECT_THROW(Gate::parse("mape"), ConfigError);
  EXPECT_THROW(Gate::parse("mape=3x"), ConfigError);
  EXPECT_THROW(Gate::parse("mape="), ConfigError);
}

}  // namespace
}  // namespace bondsim::cost
