#include <gtest/gtest.h>

#include "tests/support/dram_setup.hpp"

/// Bursts between the bus and the buffers of the PEs, and the pace of accesses, command by command.
namespace bondsim::test {
namespace {

struct Channel {
  DramConfig dram = dram_part("gddr6-aim-4gb");
  NmpConfig nmp = nmp_side(32, 32);
  ControllerConfig controller;
  CoreRun run;

  Channel() : run(dram, controller, &nmp, false_refresh(), timing_rules(dram)) {
    run.keep = true;
    run.mode(ChannelMode::nmp);
  }
  static ChannelSwitches false_refresh() {
    ChannelSwitches switches;
    switches.refresh = false;
    return switches;
  }
  std::vector<Picoseconds> times(DramCommand command, int bank) const {
    std::vector<Picoseconds> out;
    for (const CommandRecord& c : run.commands) {
      if (c.command == command && c.bank == bank) out.push_back(c.time);
    }
    return out;
  }
};

TEST(HbBus, bursts_wait_for_the_accesses_before_and_accesses_for_the_bursts) {
  Channel c;
  c.run.hb(extent_of(0, 16, 0, 64), false);  // two columns of each bank
  c.run.bus(100, true);                      // four bursts of 32 B
  c.run.hb(extent_of(0, 16, 64, 32), false);
  c.run.to_end();
  const auto reads = c.times(DramCommand::nrd, 3), bursts = c.times(DramCommand::wrb, -1);
  ASSERT_EQ(reads.size(), 3U);
  ASSERT_EQ(bursts.size(), 4U);
  EXPECT_GE(bursts[0], reads[1] + Picoseconds(1000));                                           // an access takes 1 ns
  for (std::size_t i = 1; i < 4; ++i) EXPECT_EQ(bursts[i] - bursts[i - 1], Picoseconds(1000));  // nCCDS of 2 cycles
  EXPECT_EQ(reads[2], bursts[3] + Picoseconds(500 * (6 + 2)));                                  // nCWL and the burst, the row is open
  EXPECT_EQ(c.run.core.counts(0).buffer_writes, 4);
  EXPECT_EQ(c.run.core.counts(0).reads + c.run.core.counts(0).writes, 0);
  EXPECT_EQ(c.run.checker.violations(), 0) << describe(c.run.checker);
}

TEST(HbBus, accesses_keep_their_pace_from_transfer_to_transfer) {
  Channel c;
  HbTransfer transfer;
  for (int piece = 0; piece < 3; ++piece) {
    transfer.extent = extent_of(0, 16, 128 * piece, 128);
    transfer.pace_ps = 5000;
    transfer.op = 0;
    transfer.tag = c.run.tag++;
    c.run.core.submit(transfer, c.run.now);
  }
  c.run.to_end();
  const auto reads = c.times(DramCommand::nrd, 0);
  ASSERT_EQ(reads.size(), 12U);
  for (std::size_t i = 1; i < reads.size(); ++i) EXPECT_EQ(reads[i] - reads[i - 1], Picoseconds(5000)) << i;
}

}  // namespace
}  // namespace bondsim::test
