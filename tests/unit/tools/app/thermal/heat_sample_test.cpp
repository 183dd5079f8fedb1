#include "tools/app/thermal/heat_sample.hpp"

#include <gtest/gtest.h>

namespace bondsim::tools {
namespace {

using Watts = std::vector<double>;

TEST(HeatSample, watts_are_joules_over_the_time_of_their_phase) {
  const HeatSample sample{2, 8, {1, 6}, {4, 24}};
  EXPECT_EQ(sample.prefill_w(), (Watts{0.5, 3}));
  EXPECT_EQ(sample.decode_w(), (Watts{0.5, 3}));
  EXPECT_EQ((HeatSample{2, 8, {1, 6}, {9, 14}}.mean_w()), (Watts{1, 2}));
}

TEST(HeatSample, a_phase_that_takes_no_time_heats_nothing) {
  const HeatSample prompt_only{2, 0, {1, 6}, {0, 0}};
  EXPECT_EQ(prompt_only.decode_w(), (Watts{0, 0}));
  EXPECT_EQ(prompt_only.mean_w(), (Watts{0.5, 3}));
  const HeatSample decode_only{0, 4, {0, 0}, {1, 2}};
  EXPECT_EQ(decode_only.prefill_w(), (Watts{0, 0}));
  EXPECT_EQ(decode_only.mean_w(), (Watts{0.25, 0.5}));
  EXPECT_EQ((HeatSample{0, 0, {0}, {0}}.mean_w()), (Watts{0}));
}

}  // namespace
}  // namespace bondsim::tools
