#include <gtest/gtest.h>

#include <array>

#include "models/system/area.hpp"
#include "tests/support/mapping_setup.hpp"

namespace bondsim::testing {
namespace {

constexpr std::array<double, 4> bandwidths = {6.4, 12.8, 25.6, 51.2};
constexpr std::array<int, 4> clocks = {400, 600, 800, 1000};
/// H2-LLM (ISCA'25): most FPUs of a PE, a row for each bandwidth, a column for each clock.
constexpr std::array<std::array<int, 4>, 4> published = {{{8, 8, 8, 8}, {8, 8, 8, 4}, {8, 8, 4, 4}, {8, 4, 4, 2}}};

System device(int fpus, int clock_mhz, double gbps) {
  System s = h2llm_system();
  s.nmp.pe.fpus = fpus;
  s.nmp.pe.clock_mhz = clock_mhz;
  s.nmp.hb.bandwidth_gbps = gbps;
  return s;
}

TEST(PeLegality, is_the_published_table_at_all_of_its_entries) {
  for (std::size_t b = 0; b < bandwidths.size(); ++b) {
    for (std::size_t c = 0; c < clocks.size(); ++c) {
      const int most = published[b][c];
      EXPECT_EQ(most_fpus(clocks[c], bandwidths[b]), most);
      EXPECT_FALSE(illegal_device(device(most, clocks[c], bandwidths[b])));
      const auto reason = illegal_device(device(most + 1, clocks[c], bandwidths[b]));
      ASSERT_TRUE(reason) << clocks[c] << " MHz, " << bandwidths[b] << " GB/s";
      EXPECT_NE(reason->find(fmt::format("at most {} of 16 MACs", most)), std::string::npos) << *reason;
    }
  }
}

TEST(PeLegality, between_entries_the_next_larger_one_holds_and_above_them_nothing_is_legal) {
  EXPECT_EQ(most_fpus(200, 1.0), 8);
  EXPECT_EQ(most_fpus(601, 25.6), 4);
  EXPECT_EQ(most_fpus(400, 25.7), 8);
  EXPECT_EQ(most_fpus(1001, 6.4), std::nullopt);
  EXPECT_TRUE(illegal_device(device(1, 400, 60)));
}

TEST(PeLegality, counts_macs_and_does_not_judge_devices_without_a_logic_die) {
  System narrow = device(8, 1000, 25.6);
  EXPECT_TRUE(illegal_device(narrow));
  narrow.nmp.pe.macs_per_fpu = 8;
  EXPECT_FALSE(illegal_device(narrow));
  System none = device(64, 1000, 51.2);
  none.set_channels(0, none.channel_count());
  EXPECT_FALSE(illegal_device(none));
  EXPECT_EQ(area_text(none), "");
  System in_die = device(64, 1000, 51.2);
  in_die.nmp.placement = NmpPlacement::in_die;
  EXPECT_FALSE(illegal_device(in_die));
}

TEST(PeArea, sum_of_the_published_areas_reproduces_13_of_the_16_limits) {
  int same = 0;
  for (std::size_t b = 0; b < bandwidths.size(); ++b) {
    for (std::size_t c = 0; c < clocks.size(); ++c) {
      int most = 1;
      while (most < 8 && pe_area(device(most * 2, clocks[c], bandwidths[b]).nmp, 16).total() <= pe_area_budget_mm2) most *= 2;
      same += most == published[b][c];
    }
  }
  EXPECT_EQ(same, 13);
}

TEST(PeArea, default_pe_is_the_hand_sum) {
  // 8 x 0.44 + (32 + 4 + 32 / 16) KiB x 2.72 mm2/MiB + 0.197 x 6.76
  EXPECT_NEAR(pe_area(h2llm_system().nmp, 16).total(), 3.52 + 0.1009375 + 1.33172, 1e-9);
  EXPECT_EQ(area_text(h2llm_system()),
            "PE area 4.95 mm2 of 6.76 (FPUs 3.52, SRAM 0.10, HB controller 1.33); 16 PEs of a channel 79.2 mm2\n");
}

}  // namespace
}  // namespace bondsim::testing
