#include <gtest/gtest.h>

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
std::string traced(const ScratchDirectory& scratch, const std::string& kinds) {
  const auto run = bondsim_command(
      "run configs/experiment/h2llm-llama3-8b-sharegpt.yaml --set model.layers=1 --set model.hidden=256 --set model.intermediate=512 "
      "--set model.vocab=512 --set workload.prompt_tokens=4 --set workload.generated_tokens=1 --trace " +
      kinds + " -o " + scratch.file("out"));
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
