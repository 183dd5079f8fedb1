#include <gtest/gtest.h>

#include "models/system/load.hpp"
#include "models/system/peaks.hpp"
#include "tests/support/error_of.hpp"
#include "tests/support/paths.hpp"

namespace bondsim {
namespace {

System load(const std::string& name, const std::vector<std::pair<std::string, std::string>>& changes = {}) {
  ConfigNode node = load_yaml_file(tests::source_dir() + "/configs/system/" + name + ".yaml");
  std::vector<std::string> files;
  resolve_system(node, "system", files);
  for (const auto& [key, value] : changes) apply_override(node, key, value);
  return decode_system(node, "system");
}

std::string fault(const std::string& name, const std::vector<std::pair<std::string, std::string>>& changes) {
  try {
    load(name, changes);
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

TEST(ChannelGroups, counts_by_kind_are_two_groups_of_the_systems_own_sections) {
  const System s = load("h2llm");
  ASSERT_EQ(s.channels.size(), 2U);
  EXPECT_EQ(s.nmp_channels(), (std::vector<int>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(s.normal_channels(), (std::vector<int>{6, 7}));
  EXPECT_TRUE(s.uniform());
  EXPECT_EQ(&s.dram_of(0), &s.dram);
  EXPECT_EQ(&s.nmp_of(5), &s.nmp);
}

TEST(ChannelGroups, each_channel_has_the_part_and_the_pes_of_its_group) {
  System s = load("two-kinds-of-pes");
  EXPECT_EQ(s.channel_count(), 8);
  EXPECT_EQ(s.nmp_channels(), (std::vector<int>{0, 1, 2, 3, 6, 7}));
  EXPECT_EQ(s.normal_channels(), (std::vector<int>{4, 5}));
  EXPECT_FALSE(s.uniform());
  EXPECT_EQ(s.nmp_of(3).pe.fpus, 8);
  EXPECT_EQ(s.nmp_of(6).pe.fpus, 4);
  EXPECT_EQ(s.dram_of(7).organization.channel_bytes() * 2, s.dram_of(0).organization.channel_bytes());
  // 4 x 16 ports of 25.6 GB/s and 2 x 16 of 12.8; 8 buses of 12.8.
  s.npu.vector_units = 3;
  s.npu.vector_lanes = 64;
  s.npu.clock_mhz = 500;
  EXPECT_DOUBLE_EQ(machine_peaks(s).vector_ops_per_s, 3 * 64 * 500e6);
  EXPECT_DOUBLE_EQ(machine_peaks(s).hb_bytes_per_s, 2048e9);
  EXPECT_DOUBLE_EQ(machine_peaks(s).nmp_macs_per_s, (4 * 16 * 128 + 2 * 16 * 64) * 600e6);
}

TEST(ChannelGroups, both_forms_at_once_or_none_is_refused) {
  EXPECT_NE(fault("two-kinds-of-pes", {{"channels.nmp", "1"}, {"channels.normal", "1"}}).find("one of channels, channel_groups"),
            std::string::npos);
  EXPECT_NE(fault("h2llm", {{"channels.nmp", "0"}, {"channels.normal", "0"}}).find("no channel at all"), std::string::npos);
}

/// Of the shipped machine of three groups with one value of a group changed.
std::string group_fault(std::size_t group, const std::string& key, const std::string& value) {
  ConfigNode node = load_yaml_file(tests::source_dir() + "/configs/system/two-kinds-of-pes.yaml");
  std::vector<std::string> files;
  resolve_system(node, "system", files);
  for (auto& [section, groups] : node.entries) {
    if (section == "channel_groups") apply_override(groups.items[group], key, value);
  }
  return test::error_of([&] { decode_system(node, "system"); });
}

/// Channels are named after their group, and files and columns after their channels.
TEST(ChannelGroups, names_are_plain) {
  for (const std::string name : {"../up", "a/b", "a,b", "npu", "a b", ".", ""}) {
    const std::string error = group_fault(1, "name", name.empty() ? "\"\"" : name);
    EXPECT_NE(error.find("system.channel_groups[1].name: '" + name + "', allowed: letters, digits, _ and -, but not npu"),
              std::string::npos)
        << error;
  }
  EXPECT_EQ(group_fault(1, "name", "hb-2_b"), "no error");
}

TEST(ChannelGroups, parts_of_another_shape_are_refused_with_the_group) {
  const std::string error = group_fault(2, "dram.organization.bank_groups", "2");
  EXPECT_NE(error.find("channel_groups[2].dram.organization"), std::string::npos) << "8 banks beside 16: " << error;
}

}  // namespace
}  // namespace bondsim
