#include "tools/app/published/commands_power.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "models/system/load.hpp"
#include "tests/support/error_of.hpp"
#include "tests/support/paths.hpp"
#include "tools/app/experiment/experiment.hpp"

/// Energy of other people's command traces.
namespace bondsim::tools {
namespace {

System stack() { return load_system(bondsim::tests::source_dir() + "/configs/system/hbm2-stack.yaml", {}); }

std::string written(const std::string& text) {
  const std::string path = ::testing::TempDir() + "commands.hbmpower.csv";
  std::ofstream(path) << "timestamp,command,channel_id,pseudochannel_id,bankgroup_id,bank_id,row_id,column_id\n" << text;
  return path;
}

TEST(CommandsPower, counts_commands_and_the_time_with_a_row_open) {
  const CommandSums sums = count_commands(
      written("0,ACT,0,0,1,2,7,\n9,RD,0,0,1,2,7,0\n11,WRA,0,0,1,2,7,1\n40,REFA,0,0,0,0,0,0\n300,NOP,0,0,0,0,0,\n"), stack().dram);
  EXPECT_EQ(sums.activates, 1);
  EXPECT_EQ(sums.reads, 1);
  EXPECT_EQ(sums.writes, 1);
  EXPECT_EQ(sums.refreshes, 1);
  EXPECT_EQ(sums.cycles, 300);
  EXPECT_EQ(sums.open_cycles, 11);
}

TEST(CommandsPower, a_bank_that_is_closed_first_was_open_before) {
  EXPECT_EQ(count_commands(written("10,RD,0,0,0,0,7,0\n15,PRE,0,0,0,1,7,\n30,NOP,0,0,0,0,0,\n"), stack().dram).open_cycles, 20);
}

/// V (IDD4R - IDD3N) x 32 B / 9.6 GB/s a read, V IDD3N with a row open, V IDD2N at rest.
TEST(CommandsPower, prices_reads_and_standby_by_the_currents) {
  CommandSums sums;
  sums.reads = 500;
  sums.cycles = sums.open_cycles = 1000;  // every other cycle of 1.667 ns: the bus is full
  EXPECT_NEAR(commands_power_mw(stack(), sums, 1, 0), 1.2 * 330.356, 0.2);
  EXPECT_NEAR(commands_power_mw(stack(), sums, 1, 2), 1.2 * (330.356 + 2 * 11.756), 0.2);
}

TEST(CommandsPower, says_what_is_wrong_in_which_line) {
  const DramConfig dram = stack().dram;
  const std::string path = written("5,ACT,0,0,0,0,7,\n4,RD,0,0,0,0,7,0\n");
  EXPECT_EQ(bondsim::test::error_of([&] { count_commands(path, dram); }), path + ":3: timestamp 4 after 5 of the same pseudo channel");
  EXPECT_EQ(bondsim::test::error_of([&] { count_commands(written("5,SRE,0,0,0,0,7,\n"), dram); }),
            path + ":2: command 'SRE' is not known, allowed: ACT, PRE, PREA, RD, WR, RDA, WRA, REFA, NOP");
  EXPECT_EQ(bondsim::test::error_of([&] { count_commands(written("5,ACT,0,1,0,0,7,\n6,RD,0,0,0,0,7,0\n"), dram); }),
            path + ": commands of several pseudo channels, allowed: of one");
}

}  // namespace
}  // namespace bondsim::tools
