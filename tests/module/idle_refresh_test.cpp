#include <gtest/gtest.h>

#include "models/dram/channel/channel_module.hpp"
#include "models/system/load.hpp"
#include "tests/support/paths.hpp"

namespace bondsim {
namespace {

struct Ends : ChannelListener {
  std::vector<std::int64_t> at_ps;
  void host_transfer_done(int, std::uint64_t) override { at_ps.push_back(static_cast<std::int64_t>(sc_core::sc_time_stamp().value())); }
  void hb_transfer_done(int, std::uint64_t) override {}
  void mode_reached(int, ChannelMode) override {}
};

TEST(IdleRefresh, a_channel_that_has_worked_keeps_refreshing_and_owes_nothing_when_work_comes) {
  ConfigNode node = load_yaml_file(bondsim::tests::source_dir() + "/configs/system/h2llm.yaml");
  std::vector<std::string> files;
  resolve_system(node, "system", files);
  const System system = decode_system(node, "system");
  Ends ends;
  DramChannel channel("channel", 0, system.dram, system.controller, nullptr, ChannelSwitches{}, nullptr);
  channel.bind_listener(ends, nullptr);
  HostTransfer transfer;
  transfer.extent.banks = 16;
  transfer.extent.bytes_per_bank = 512;
  for (int i = 1; i <= 3; ++i) {
    transfer.tag = static_cast<std::uint64_t>(i);
    channel.submit(transfer);
    sc_core::sc_start(500, sc_core::SC_US);
  }
  ASSERT_EQ(ends.at_ps.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    const std::int64_t latency = ends.at_ps[i] - static_cast<std::int64_t>(i) * 500'000'000;
    EXPECT_LT(latency, 1'300'000) << "8 KB take 0.64 us, one refresh at most 0.4 us";
  }
  const std::int64_t refreshes = channel.counts_until_now(-1).refreshes_all_bank;
  EXPECT_NEAR(static_cast<double>(refreshes), 1.5e9 / 3906e3, 2.0) << "one every 3906 ns of 1.5 ms";
}

}  // namespace
}  // namespace bondsim
