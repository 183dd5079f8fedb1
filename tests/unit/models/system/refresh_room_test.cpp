#include "models/dram/spec/refresh_room.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "models/system/load.hpp"
#include "tests/support/paths.hpp"

namespace bondsim {
namespace {

using Changes = std::vector<std::pair<std::string, std::string>>;

std::string fault(const Changes& changes) {
  ConfigNode node = load_yaml_file(tests::source_dir() + "/configs/system/h2llm.yaml");
  std::vector<std::string> files;
  resolve_system(node, "system", files);
  for (const auto& [key, value] : changes) apply_override(node, key, value);
  try {
    decode_system(node, "system");
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

// Of LPDDR5-6400: a row takes (49 + 17) / 0.8 GHz = 82.5 ns, REFab comes every 3906 ns, REFpb every 488 ns and at a bank every 8th time:
// two banks of 16 at once, 3904 ns.
TEST(RefreshRoom, refreshes_of_all_banks_leave_time_for_a_row) {
  EXPECT_EQ(fault({{"dram.timing.t_rfc_ab_ns", "3823.5"}}), "");
  EXPECT_EQ(
      fault({{"dram.timing.t_rfc_ab_ns", "3824"}}),
      "--set dram.timing.t_rfc_ab_ns=3824: system.dram.timing.t_rfc_ab_ns: 3824 ns of refresh and 82.5 ns to open and close a row (n_rc + "
      "n_rp_ab at ck_mhz), allowed: up to 3906 ns together, the time from one refresh of a bank to the next");
  EXPECT_NE(fault({{"dram.timing.t_rfc_ab_ns", "5000"}}).find("system.dram.timing.t_rfc_ab_ns: 5000 ns of refresh"), std::string::npos);
  EXPECT_NE(fault({{"dram.timing.t_refi_ns", "1"}}).find("allowed: up to 1 ns together"), std::string::npos);
  EXPECT_NE(fault({{"dram.timing.ck_mhz", "1"}}).find("66000.0 ns to open and close a row"), std::string::npos);
}

TEST(RefreshRoom, what_is_off_needs_no_time) {
  EXPECT_EQ(fault({{"controller.refresh", "none"}, {"dram.timing.t_rfc_ab_ns", "5000"}}), "");
  EXPECT_EQ(fault({{"controller.refresh", "per_bank"}, {"dram.timing.t_rfc_ab_ns", "5000"}}), "");
}

TEST(RefreshRoom, refreshes_bank_by_bank_leave_time_for_a_row) {
  const std::pair<std::string, std::string> by_bank = {"controller.refresh", "per_bank"};
  EXPECT_EQ(fault({by_bank}), "");
  EXPECT_EQ(fault({by_bank, {"dram.timing.t_rfc_pb_ns", "3821.5"}}), "");
  EXPECT_NE(fault({by_bank, {"dram.timing.t_rfc_pb_ns", "3822"}}).find("system.dram.timing.t_rfc_pb_ns: 3822 ns of refresh"),
            std::string::npos);
  EXPECT_EQ(fault({by_bank, {"dram.timing.t_pbr2pbr_ns", "489"}}),
            "--set dram.timing.t_pbr2pbr_ns=489: system.dram.timing.t_pbr2pbr_ns: 489 ns, allowed: up to 488 ns, the interval of REFpb");
  EXPECT_NE(fault({by_bank, {"dram.timing.ck_mhz", "1"}}).find("66000.0 ns to open and close a row"), std::string::npos);
}

TEST(RefreshRoom, the_temperature_shortens_the_interval) {
  DramConfig part;
  part.timing.ck_mhz = 1000;
  part.timing.n_rc = 50;
  part.timing.n_rp_ab = 50;
  part.timing.t_refi_ns = 4000;
  part.timing.t_rfc_ab_ns = 950;
  part.refresh_rates = {{85, 1, ""}, {105, 4, ""}};
  part.temperature_c = 85;
  EXPECT_EQ(refresh_fault(part, RefreshKind::all_bank).key, nullptr);
  part.temperature_c = 86;
  EXPECT_STREQ(refresh_fault(part, RefreshKind::all_bank).key, "timing.t_rfc_ab_ns");
}

}  // namespace
}  // namespace bondsim
