#include <gtest/gtest.h>

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "tests/support/command.hpp"

/// Command traces for DRAMPower 6 and HBM-Power: the commands of our own trace, in their columns.
namespace bondsim::test {
namespace {

std::vector<std::vector<std::string>> rows_of(const std::string& path) {
  std::ifstream in(path);
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(in, line);) {
    std::stringstream cells(line);
    rows.emplace_back();
    for (std::string cell; std::getline(cells, cell, ',');) rows.back().push_back(cell);
  }
  return rows;
}

std::map<std::string, int> counts_of(const std::vector<std::vector<std::string>>& rows) {
  std::map<std::string, int> counts;
  for (const auto& row : rows) {
    if (row.size() > 1) ++counts[row[1]];
  }
  return counts;
}

/// A step of a small model, whose NMP channel has both modes.
std::string traced(const ScratchDirectory& scratch, const std::string& kinds, const std::string& more = "") {
  const auto run = bondsim_command(
      "run configs/experiment/h2llm-llama3-8b-sharegpt.yaml --set model.layers=1 --set model.hidden=256 --set model.intermediate=512 "
      "--set model.vocab=512 --set workload.prompt_tokens=4 --set workload.generated_tokens=1 --trace " +
      kinds + more + " -o " + scratch.file("out"));
  EXPECT_EQ(run.status, 0) << run.output;
  return scratch.file("out") + "/nmp.channel0";
}

TEST(PowerTrace, both_formats_have_the_commands_of_our_own) {
  const ScratchDirectory scratch;
  const std::string base = traced(scratch, "commands,drampower,hbmpower");
  auto ours = counts_of(rows_of(base + ".commands.csv"));
  const auto drampower = rows_of(base + ".drampower.csv"), hbmpower = rows_of(base + ".hbmpower.csv");
  for (const auto* rows : {&drampower, &hbmpower}) {
    auto theirs = counts_of(*rows);
    EXPECT_EQ(theirs["ACT"], ours["ACT1"]);
    EXPECT_EQ(theirs["RD"], ours["RD"] + ours["NRD"]);
    EXPECT_EQ(theirs["WR"], ours["WR"] + ours["NWR"]);
    EXPECT_EQ(theirs["PRE"], ours["PRE"]);
    EXPECT_EQ(theirs["PREA"], ours["PREA"]);
    EXPECT_EQ(theirs["REFA"], ours["REFab"]);
    EXPECT_GT(theirs["ACT"], 0);
    EXPECT_GT(theirs["WR"], 0);
  }
  std::int64_t last = 0;
  for (std::size_t i = 0; i < drampower.size(); ++i) {
    const auto& row = drampower[i];
    ASSERT_GE(row.size(), 7U) << i;
    EXPECT_GE(std::stoll(row[0]), last);
    last = std::stoll(row[0]);
    EXPECT_EQ(row[3], std::to_string(std::stoi(row[4]) / 4)) << "bank " << row[4] << " in group " << row[3];
    const bool burst = row[1] == "RD" || row[1] == "WR";
    EXPECT_EQ(row.size(), burst ? 8U : 7U) << i;
    if (burst) {
      EXPECT_EQ(row[7], "0x" + std::string(64, '0'));
    }
  }
  EXPECT_EQ(drampower.back()[1], "END");
  EXPECT_EQ(hbmpower.front()[0], "timestamp");
  EXPECT_EQ(hbmpower.back()[1], "NOP");
}

TEST(PowerTrace, hbmpower_has_the_pseudo_channel_of_each_command) {
  const ScratchDirectory scratch;
  const std::string base = traced(scratch, "commands,hbmpower", " --set system.dram.organization.pseudo_channels=2");
  std::map<std::string, int> ours, theirs;  // by pseudo channel, bank group and bank
  for (const auto& row : rows_of(base + ".commands.csv")) {
    if (row.size() < 3 || row[1] != "ACT1") continue;
    const int bank = std::stoi(row[2]);  // 16 of each, 4 groups of 4
    ++ours[fmt::format("{},{},{}", bank / 16, bank % 16 / 4, bank % 4)];
  }
  for (const auto& row : rows_of(base + ".hbmpower.csv")) {
    if (row.size() > 5 && row[1] == "ACT") ++theirs[row[3] + "," + row[4] + "," + row[5]];
  }
  EXPECT_EQ(theirs, ours);
  EXPECT_EQ(ours.size(), 32U);
}

/// A pseudo channel is half of its channel's dies, as one that is given as a channel of its own is all of them.
TEST(PowerTrace, a_pseudo_channel_is_priced_as_one_that_is_a_channel_of_its_own) {
  const ScratchDirectory scratch;
  const std::string trace =
      scratch.write("two.csv", "0,ACT,0,0,0,0,7,0\n20,RD,0,0,0,0,7,0\n60,PRE,0,0,0,0,7,0\n10,ACT,0,1,0,0,7,0\n90,PRE,0,1,0,0,7,0\n");
  const auto apart = bondsim_command("trace energy " + trace + " --system hbm2-stack");
  const auto two = bondsim_command("trace energy " + trace + " --system hbm2-stack --set system.dram.organization.pseudo_channels=2");
  EXPECT_EQ(apart.status, 0) << apart.output;
  EXPECT_EQ(two.output, apart.output);
}

TEST(PowerTrace, the_memspec_has_the_part) {
  const ScratchDirectory scratch;
  std::ifstream in(traced(scratch, "drampower") + ".memspec.json");
  const auto spec = nlohmann::json::parse(in)["memspec"];
  EXPECT_EQ(spec["memoryType"], "LPDDR5");
  EXPECT_EQ(spec["memarchitecturespec"]["nbrOfBanks"], 16);
  EXPECT_EQ(spec["memtimingspec"]["RAS"], 34);
  EXPECT_DOUBLE_EQ(spec["memtimingspec"]["tCK"], 1.25e-9);
  EXPECT_DOUBLE_EQ(spec["mempowerspec"]["idd4r2h"], 0.390);
  EXPECT_DOUBLE_EQ(spec["mempowerspec"]["vdd1"], 1.8);
  // As DRAMPower reads it: tBurst = burstLength / (dataRate * WCK2CK), tWCK = tCK / WCK2CK, RD to PRE = tBurst + RBTP.
  const auto& shape = spec["memarchitecturespec"];
  const auto& timing = spec["memtimingspec"];
  ASSERT_GT(timing["WCK2CK"], 0);
  const int burst = shape["burstLength"].get<int>() / (shape["dataRate"].get<int>() * timing["WCK2CK"].get<int>());
  EXPECT_EQ(burst, 2);
  EXPECT_EQ(burst + timing["RBTP"].get<int>(), 8);
  EXPECT_EQ(timing["WCK2CK"], 4) << "6400 MT/s by two edges of WCK at 3200 MHz, CK at 800 MHz";
  EXPECT_EQ(shape["per2BankOffset"], 8);
}

TEST(PowerTrace, refresh_of_two_banks_is_theirs_and_other_shapes_are_refused) {
  const ScratchDirectory scratch;
  const std::string run =
      "run configs/experiment/h2llm-llama3-8b-sharegpt.yaml --set model.layers=1 --set model.hidden=256 --set model.intermediate=512 "
      "--set model.vocab=512 --set workload.prompt_tokens=4 --set workload.generated_tokens=1 --trace commands,drampower ";
  const auto turns = bondsim_command(run + "--set system.controller.refresh=per_bank -o " + scratch.file("turns"));
  ASSERT_EQ(turns.status, 0) << turns.output;
  auto theirs = counts_of(rows_of(scratch.file("turns/nmp.channel0.drampower.csv")));
  auto ours = counts_of(rows_of(scratch.file("turns/nmp.channel0.commands.csv")));
  EXPECT_GT(theirs["REFP2B"], 0);
  EXPECT_EQ(theirs["REFP2B"], ours["REFpb"]);
  const auto other = bondsim_command(run + "--set system.dram.organization.bank_groups=8 -o " + scratch.file("other"));
  EXPECT_EQ(other.status, 2) << other.output;
  EXPECT_NE(other.output.find("32 banks in 8 groups, allowed: what DRAMPower's LPDDR5 has, 16 in 1 or 4, 8 in 1"), std::string::npos)
      << other.output;
}

TEST(PowerTrace, a_trace_of_others_is_priced_by_a_system) {
  const ScratchDirectory scratch;
  // Two pseudo channels: 500 reads of 32 B in 1000 cycles of 1.667 ns with a row open, and one that stands open as long.
  std::string text = "timestamp,command,channel_id,pseudochannel_id,bankgroup_id,bank_id,row_id,column_id\n";
  for (int i = 0; i < 500; ++i) text += std::to_string(2 * i) + ",RD,0,0,0,0,7," + std::to_string(i % 32) + "\n";
  text += "0,ACT,1,1,0,0,7,\n1000,NOP,0,0,0,0,0,\n1000,NOP,1,1,0,0,0,\n";
  const auto run = bondsim_command("trace energy " + scratch.write("two.csv", text) + " --system hbm2-stack --resting 3");
  ASSERT_EQ(run.status, 0) << run.output;
  EXPECT_NE(run.output.find("commands of 2 pseudo channels, priced as HBM2-1200 pseudo channel 2Gb by"), std::string::npos) << run.output;
  const auto line = [&](const std::string& begin) {
    const std::size_t at = run.output.find(begin);
    return at == std::string::npos ? std::string() : run.output.substr(at, run.output.find('\n', at) - at);
  };
  std::istringstream cells(line("0.0 "));
  std::string channel;
  double act = 0, rd = 0, wr = 0, ref = 0, cycles = 0, open = 0;
  std::string percent;
  double nanojoules = 0, milliwatts = 0;
  cells >> channel >> act >> rd >> wr >> ref >> cycles >> open >> percent >> nanojoules >> milliwatts;
  EXPECT_EQ(rd, 500);
  EXPECT_EQ(cycles, 1000);
  EXPECT_EQ(open, 100);
  EXPECT_NEAR(milliwatts, 1.2 * 330.356, 0.2) << "V IDD4R, the bus full";
  EXPECT_NEAR(nanojoules, milliwatts * 1.6667, 0.5);
  EXPECT_NE(line("all, with 3 at rest"), "") << run.output;
  const auto wrong = bondsim_command("trace energy " + scratch.write("bad.csv", "5,SRE,0,0,0,0,7,\n") + " --system hbm2-stack");
  EXPECT_EQ(wrong.status, 2) << wrong.output;
}

TEST(PowerTrace, hbmpower_is_refused_where_banks_are_refreshed_in_turns) {
  const ScratchDirectory scratch;
  const auto run =
      bondsim_command("run configs/experiment/h2llm-llama3-8b-sharegpt.yaml --set system.controller.refresh=per_bank --trace hbmpower -o " +
                      scratch.file("out"));
  EXPECT_EQ(run.status, 2) << run.output;
  EXPECT_NE(run.output.find("controller.refresh all_bank, none"), std::string::npos) << run.output;
}

}  // namespace
}  // namespace bondsim::test
