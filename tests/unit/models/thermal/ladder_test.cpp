#include "models/thermal/ladder.hpp"

#include <gtest/gtest.h>

#include "tests/support/shipped_system.hpp"

namespace bondsim {
namespace {

TEST(RefreshLadder, a_step_is_left_downwards_only_below_its_hysteresis) {
  const DramConfig dram = test::shipped_system("h2llm").dram;  // up to 85 C once, up to 105 C twice
  EXPECT_EQ(refresh_step(dram, 85), 0U);
  EXPECT_EQ(refresh_step(dram, 85.01), 1U);
  EXPECT_EQ(refresh_step(dram, 300), 1U) << "above the ladder its last step holds";
  EXPECT_EQ(next_refresh_step(dram, 0, 86, 2), 1U);
  EXPECT_EQ(next_refresh_step(dram, 1, 84, 2), 1U);
  EXPECT_EQ(next_refresh_step(dram, 1, 82.9, 2), 0U);
  EXPECT_EQ(next_refresh_step(dram, 0, 84, 2), 0U);
  EXPECT_EQ(next_refresh_step(DramConfig(), 0, 200, 2), 0U) << "a part without a ladder";
}

TEST(RefreshLadder, channels_on_the_steps_they_are_on_make_the_same_system) {
  const System system = test::shipped_system("h2llm");
  const System same = at_refresh_steps(system, refresh_steps(system));
  EXPECT_EQ(same.dram.temperature_c, system.dram.temperature_c);
  EXPECT_EQ(same.channels.size(), system.channels.size());
  EXPECT_TRUE(same.uniform());
}

TEST(RefreshLadder, a_hot_channel_has_a_part_of_its_own_and_keeps_its_name_and_number) {
  const System system = test::shipped_system("h2llm");
  std::vector<std::size_t> steps(8, 0);
  steps[2] = steps[7] = 1;
  const System hot = at_refresh_steps(system, steps);
  EXPECT_EQ(hot.channel_names(), system.channel_names());
  EXPECT_EQ(refresh_steps(hot), steps);
  for (int channel = 0; channel < 8; ++channel) EXPECT_EQ(hot.has_pes(channel), system.has_pes(channel)) << channel;
  const System all = at_refresh_steps(system, std::vector<std::size_t>(8, 1));
  EXPECT_TRUE(all.uniform());
  EXPECT_EQ(all.dram.temperature_c, 105);
}

TEST(Throttle, levels_rise_with_the_temperature_and_fall_below_the_hysteresis) {
  const ThrottlePolicy policy{"p", HeatWatch::any, 3, {{85, 1, 0.75, ""}, {95, 1, 0.5, ""}}};
  EXPECT_EQ(throttle_level(policy, 0, 85), 0U);
  EXPECT_EQ(throttle_level(policy, 0, 86), 1U);
  EXPECT_EQ(throttle_level(policy, 0, 99), 2U);
  EXPECT_EQ(throttle_level(policy, 1, 83), 1U);
  EXPECT_EQ(throttle_level(policy, 1, 81), 0U);
  EXPECT_EQ(throttle_level(policy, 2, 93), 2U);
  EXPECT_EQ(throttle_level(policy, 2, 91), 1U);
}

TEST(Leakage, scales_static_power_alone) {
  const System system = test::shipped_system("h2llm");
  const System hot = with_leakage(system, 2, 3);
  EXPECT_DOUBLE_EQ(hot.energy.npu_static.value, 2 * system.energy.npu_static.value);
  EXPECT_DOUBLE_EQ(hot.energy.pe_static.value, 3 * system.energy.pe_static.value);
  EXPECT_DOUBLE_EQ(hot.energy.npu_mac.value, system.energy.npu_mac.value);
}

}  // namespace
}  // namespace bondsim
