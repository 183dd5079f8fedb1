#include "models/dram/check/assumptions.hpp"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "tests/support/dram_setup.hpp"

namespace bondsim {
namespace {

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

TEST(Assumptions, list_every_rule_that_the_checker_names_and_no_other) {
  std::set<std::string> named;
  const std::regex call(R"re((?:fail|need\w*|since)\((?:write \? )?"(\w+)"(?: : "(\w+)")?)re");
  for (const auto& file : std::filesystem::directory_iterator(bondsim::tests::source_dir() + "/models/dram/check")) {
    std::stringstream text;
    text << std::ifstream(file.path()).rdbuf();
    const std::string code = text.str();
    for (std::sregex_iterator m(code.begin(), code.end(), call), end; m != end; ++m) {
      named.insert((*m)[1]);
      if ((*m)[2].matched) named.insert((*m)[2]);
    }
  }
  std::set<std::string> listed;
  for (const Assumption& assumption : assumptions()) {
    EXPECT_TRUE(listed.insert(assumption.rule).second) << assumption.rule << " is listed twice";
    EXPECT_GT(std::string(assumption.source).size(), 0U) << assumption.rule;
  }
  EXPECT_GT(named.size(), 60U);
  EXPECT_EQ(named, listed);
}

TEST(Datasheet, no_shipped_lpddr5_part_is_faster) {
  const std::pair<const char*, bool> parts[] = {
      {"lpddr5-6400-8gb", false}, {"lpddr5-6400-16gb", false}, {"lpddr5-6400-32gb", false}, {"lpddr5x-8533-16gb", true}};
  for (const auto& [name, lpddr5x] : parts) {
    const DramConfig part = test::dram_part(name);
    const auto gigabits = static_cast<int>(part.organization.channel_bytes() * 8 >> 30);
    EXPECT_EQ(joined(faster_than_datasheet(part, lpddr5_datasheet(gigabits, lpddr5x))), "") << name;
  }
}

TEST(Datasheet, each_value_one_clock_short_is_named) {
  const DramConfig part = test::dram_part("lpddr5-6400-16gb");
  DramConfig fast = part;
  DramTiming& t = fast.timing;
  for (int* cycles : {&t.n_rcd, &t.n_rp_pb, &t.n_rp_ab, &t.n_ras, &t.n_rc, &t.n_wr, &t.n_rrd, &t.n_faw, &t.n_ppd, &t.n_wtr_s, &t.n_wtr_l,
                      &t.n_ccd_s, &t.n_ccd_l}) {
    --*cycles;
  }
  t.n_rtp = 5;  // 7.5 ns are 6 cycles; the part has 8
  for (double* ns : {&t.t_rfc_ab_ns, &t.t_rfc_pb_ns, &t.t_pbr2act_ns, &t.t_pbr2pbr_ns}) *ns -= 1.25;
  const auto datasheet = lpddr5_datasheet(16, false);
  // tRC one clock short is 48 cycles: exactly the 60 ns of tRAS + tRPpb.
  EXPECT_EQ(faster_than_datasheet(fast, datasheet).size(), datasheet.size() - 1) << joined(faster_than_datasheet(fast, datasheet));
  EXPECT_EQ(joined(faster_than_datasheet(part, datasheet)), "");
}

/// tRFCab, tRFCpb and the time from one REFpb to the next as Ramulator 2.1's LPDDR5 preset gives them; it has no die of 32 Gb.
TEST(Datasheet, refresh_of_a_die_takes_as_long_as_in_ramulator) {
  const std::map<int, std::array<double, 3>> published = {
      {2, {130, 60, 60}}, {4, {180, 90, 90}}, {8, {210, 120, 90}}, {16, {280, 140, 90}}};
  for (const auto& [gigabits, ns] : published) {
    std::map<std::string, double> values;
    for (const DatasheetValue& value : lpddr5_datasheet(gigabits, false)) values[value.key] = value.ns;
    EXPECT_EQ(values["t_rfc_ab_ns"], ns[0]) << gigabits;
    EXPECT_EQ(values["t_rfc_pb_ns"], ns[1]) << gigabits;
    EXPECT_EQ(values["t_pbr2pbr_ns"], ns[2]) << gigabits;
  }
}

TEST(Datasheet, of_lpddr5x_differs_in_activates_of_other_banks_alone) {
  const auto slow = lpddr5_datasheet(16, false), fast = lpddr5_datasheet(16, true);
  ASSERT_EQ(slow.size(), fast.size());
  for (std::size_t i = 0; i < slow.size(); ++i) {
    const std::string key = slow[i].key;
    EXPECT_EQ(fast[i].ns, key == "n_rrd" ? 3.75 : key == "n_faw" ? 15 : slow[i].ns) << key;
    EXPECT_EQ(fast[i].cycles, slow[i].cycles) << key;
  }
}

}  // namespace
}  // namespace bondsim
