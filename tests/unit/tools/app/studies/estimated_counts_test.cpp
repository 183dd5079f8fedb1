#include "tools/app/studies/estimated_counts.hpp"

#include <gtest/gtest.h>

#include "tests/support/mapping_setup.hpp"

/// Commands counted by hand: bursts of 32 bytes, accesses of 64 through an HB port, rows of 2048 in each bank.
namespace bondsim::tools {
namespace {

Extent extent(std::int64_t offset, std::int64_t bytes, std::int32_t banks = 1) {
  Extent e;
  e.banks = banks;
  e.bank_offset = offset;
  e.bytes_per_bank = bytes;
  return e;
}

/// A product of [1, k] and [k, n] on one PE, of elements of `bits`. Its weights begin `offset` bytes into their bank.
NmpGemm gemm(std::int64_t n, std::int64_t k, int bits, std::int64_t offset = 0) {
  NmpGemm g;
  g.shape = {1, 1, n, k};
  g.bits = {bits, bits, bits, 32};
  g.pes_per_gemm = 1;
  g.tiling = {n, k, LoopOrder::output_stationary};
  g.input = {extent(1 << 20, k * bits / 8)};
  g.stationary = {extent(offset, n * k * bits / 8)};
  g.output = {extent(2 << 20, n * bits / 8)};
  return g;
}

TEST(EstimatedCounts, a_transfer_takes_the_bursts_and_rows_of_each_bank) {
  const System system = testing::h2llm_system();
  Extent uneven = extent(0, 100, 3);
  uneven.longer_banks = 1;
  uneven.extra_bytes = 2048;
  const std::vector<Extent> extents = {uneven, extent(4096, 32)};
  const ChannelCounts read = CommandCount(system).host(extents, false), written = CommandCount(system).host(extents, true);
  EXPECT_EQ(read.reads, 68 + 4 + 4 + 1);
  EXPECT_EQ(read.activates, 2 + 1 + 1 + 1);
  EXPECT_EQ(read.writes, 0);
  EXPECT_EQ(written.writes, read.reads);
  EXPECT_EQ(written.reads, 0);
  EXPECT_EQ(written.activates, read.activates);
}

TEST(EstimatedCounts, a_gemm_opens_a_row_for_each_operand) {
  const System system = testing::h2llm_system();
  const ChannelCounts c = CommandCount(system).nmp(gemm(32, 64, 16));
  EXPECT_EQ(c.hb_reads, 128 / 64 + 4096 / 64);
  EXPECT_EQ(c.hb_writes, 1);
  EXPECT_EQ(c.activates, 1 + 2 + 1);
  EXPECT_EQ(c.reads + c.writes + c.buffer_reads + c.buffer_writes, 0);
}

/// 32 KiB are two halves of the weight buffer: the second piece goes on in the row that the first left open in its middle.
TEST(EstimatedCounts, weights_that_go_on_in_an_open_row_do_not_open_it_again) {
  const System system = testing::h2llm_system();
  EXPECT_EQ(CommandCount(system).nmp(gemm(16, 1024, 16)).activates, 1 + 16 + 1);
  EXPECT_EQ(CommandCount(system).nmp(gemm(16, 1024, 16, 1024)).activates, 1 + 17 + 1);
}

TEST(EstimatedCounts, a_row_is_opened_for_a_single_byte) {
  System system = testing::h2llm_system();
  system.nmp.hb.access_bytes = 1;
  const ChannelCounts c = CommandCount(system).nmp(gemm(3, 683, 8));
  EXPECT_EQ(c.hb_reads, 683 + 2049);
  EXPECT_EQ(c.hb_writes, 3);
  EXPECT_EQ(c.activates, 1 + 2 + 1);
}

TEST(EstimatedCounts, banks_without_bytes_take_no_command) {
  const System system = testing::h2llm_system();
  NmpGemm g = gemm(32, 64, 16);
  g.output[0].banks = 4;
  g.output[0].longer_banks = 2;
  g.output[0].extra_bytes = 64;
  g.output[0].bytes_per_bank = 0;
  const ChannelCounts c = CommandCount(system).nmp(g);
  EXPECT_EQ(c.hb_writes, 2);
  EXPECT_EQ(c.activates, 1 + 2 + 2);
}

TEST(EstimatedCounts, weights_are_read_again_for_rows_that_a_read_does_not_serve) {
  System system = testing::h2llm_system();
  system.nmp.pe.rows_per_read = 2;
  NmpGemm g = gemm(32, 64, 16);
  g.shape.m = 5;
  const ChannelCounts c = CommandCount(system).nmp(g);
  EXPECT_EQ(c.hb_reads, 128 / 64 + 3 * 4096 / 64) << "pairs of five rows are three";
}

TEST(EstimatedCounts, direct_activations_cross_the_bus_and_leave_the_banks_alone) {
  System system = testing::h2llm_system();
  system.nmp.io_path = IoPath::direct;
  const ChannelCounts c = CommandCount(system).nmp(gemm(32, 64, 16));
  EXPECT_EQ(c.buffer_writes, 128 / 32);
  EXPECT_EQ(c.buffer_reads, 64 / 32);
  EXPECT_EQ(c.hb_reads, 4096 / 64);
  EXPECT_EQ(c.hb_writes, 0);
}

/// A millisecond has 256 times 3.906 us, and 2049 times 488 ns.
TEST(EstimatedCounts, refreshes_come_once_an_interval_where_there_are_any) {
  System system = testing::h2llm_system();
  const auto counts = [&](RefreshKind kind) {
    system.controller.refresh = kind;
    const ChannelCounts c = refreshes(system, 1e-3);
    return std::pair{c.refreshes_all_bank, c.refreshes_per_bank};
  };
  using Pair = std::pair<std::int64_t, std::int64_t>;
  EXPECT_EQ(counts(RefreshKind::all_bank), Pair(256, 0));
  EXPECT_EQ(counts(RefreshKind::per_bank), Pair(0, 2049));
  EXPECT_EQ(counts(RefreshKind::none), Pair(0, 0));
  system.fidelity.refresh = false;
  EXPECT_EQ(counts(RefreshKind::all_bank), Pair(0, 0));
}

}  // namespace
}  // namespace bondsim::tools
