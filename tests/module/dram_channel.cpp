#include <gtest/gtest.h>

#include <vector>

#include "models/dram/channel/channel_module.hpp"
#include "models/nmp/config.hpp"
#include "tests/support/paths.hpp"

/// A channel in the kernel. Each test runs in a process of its own: SystemC elaborates once a process.
namespace bondsim {
namespace {

DramConfig part() {
  return decode_document<DramConfig>(load_yaml_file(bondsim::tests::source_dir() + "/configs/dram/lpddr5-6400-32gb.yaml"), "",
                                     "bondsim.dram/1");
}

NmpConfig nmp_side() {
  NmpConfig nmp;
  nmp.hb.bandwidth_gbps = 25.6;
  nmp.hb.access_bytes = 64;
  nmp.mode_change_ns = 100;
  return nmp;
}

Extent extent(std::int64_t offset, std::int64_t bytes_per_bank) {
  Extent e;
  e.banks = 16;
  e.bank_offset = offset;
  e.bytes_per_bank = bytes_per_bank;
  return e;
}

/// Asks for one thing after the other: host write, NMP mode, two HB reads, normal mode, host read.
class Script : public ChannelListener {
 public:
  explicit Script(ChannelPort& channel) : channel_(channel) {}
  void begin() { host(0, true); }
  void host_transfer_done(int, std::uint64_t tag) override {
    note();
    if (tag == 0) channel_.request_mode(ChannelMode::nmp);
  }
  void hb_transfer_done(int, std::uint64_t tag) override {
    note();
    if (tag == 3) channel_.request_mode(ChannelMode::normal);
  }
  void mode_reached(int, ChannelMode mode) override {
    note();
    if (mode == ChannelMode::normal) return;
    host(1, false);  // held until normal mode
    for (const std::uint64_t tag : {2U, 3U}) {
      HbTransfer transfer;
      transfer.extent = extent(0, 16384);
      transfer.op = 5;
      transfer.tag = tag;
      channel_.submit(transfer);
    }
  }
  std::vector<std::int64_t> times;

 private:
  void host(std::uint64_t tag, bool write) {
    HostTransfer transfer;
    transfer.extent = extent(4096, 2048);
    transfer.write = write;
    transfer.op = 4;
    transfer.tag = tag;
    channel_.submit(transfer);
  }
  void note() { times.push_back(static_cast<std::int64_t>(sc_core::sc_time_stamp().value())); }
  ChannelPort& channel_;
};

struct Starter : sc_core::sc_module {
  Starter(sc_core::sc_module_name name, Script& script) : sc_module(name), script_(script) {
    SC_HAS_PROCESS(Starter);
    SC_METHOD(begin);
  }
  void begin() { script_.begin(); }
  Script& script_;
};

TEST(DramChannel, serves_host_and_nmp_in_turn_and_its_times_sum_to_now) {
  const DramConfig dram = part();
  const NmpConfig nmp = nmp_side();
  DramChannel channel("channel", 0, dram, ControllerConfig{}, &nmp, ChannelSwitches{}, nullptr);
  Script script(channel);
  channel.bind_listener(script, &script);
  Starter starter("starter", script);
  sc_core::sc_start(sc_core::sc_time(100, sc_core::SC_US));
  ASSERT_EQ(script.times.size(), 6U);  // write, NMP, two HB reads, normal, read
  const ChannelTimes times = channel.times_until_now();
  const Picoseconds sum = times.host_transfer + times.host_row + times.column + times.row + times.refresh + times.mode_switch + times.free;
  EXPECT_EQ(sum.value, 100'000'000);
  EXPECT_EQ(times.host_transfer.value, 2 * 1024 * 2 * 1250);  // 1024 bursts of 2 CK, twice
  EXPECT_EQ(times.column.value, 2 * 256 * 2500);              // 256 accesses of 2.5 ns, twice
  const ChannelCounts host = channel.counts_until_now(4);
  EXPECT_EQ(host.reads, 1024);
  EXPECT_EQ(host.writes, 1024);
  const ChannelCounts hb = channel.counts_until_now(5);
  EXPECT_EQ(hb.hb_reads, 2 * 16 * 256);
  EXPECT_EQ(channel.counts_until_now(-1).mode_changes, 2);
}

}  // namespace
}  // namespace bondsim
