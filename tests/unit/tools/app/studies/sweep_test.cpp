#include "tools/app/studies/sweep.hpp"

#include <gtest/gtest.h>

#include "models/base/error.hpp"

namespace bondsim::tools {
namespace {

TEST(SweepPoints, every_combination_with_the_last_key_fastest) {
  const auto points = sweep_points({"system.a=1,2", "workload.b=x,y,z"}, false);
  ASSERT_EQ(points.size(), 6u);
  EXPECT_EQ(points[1], (SweepPoint{{"system.a", "1"}, {"workload.b", "y"}}));
  EXPECT_EQ(points[3], (SweepPoint{{"system.a", "2"}, {"workload.b", "x"}}));
}

TEST(SweepPoints, zip_takes_the_values_of_one_place_together) {
  const auto points = sweep_points({"a.a=1,2", "b.b=x,y"}, true);
  ASSERT_EQ(points.size(), 2u);
  EXPECT_EQ(points[1], (SweepPoint{{"a.a", "2"}, {"b.b", "y"}}));
  EXPECT_THROW(sweep_points({"a.a=1,2", "b.b=x"}, true), ConfigError);
}

TEST(SweepPoints, a_list_in_brackets_is_one_value) {
  const auto points = sweep_points({"a.a=[1, 2],[3]"}, false);
  ASSERT_EQ(points.size(), 2u);
  EXPECT_EQ(points[0][0].second, "[1, 2]");
}

TEST(SweepPoints, an_axis_without_values_and_a_key_given_twice_are_errors) {
  for (const char* axis : {"a.a", "a.a=", "=1"}) EXPECT_THROW(sweep_points({axis}, false), ConfigError) << axis;
  EXPECT_THROW(sweep_points({"a.a=1", "a.a=2"}, false), ConfigError);
}

}  // namespace
}  // namespace bondsim::tools
