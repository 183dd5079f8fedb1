#include <gtest/gtest.h>

#include "mapping/cost/detailed/bus_transfer.hpp"
#include "mapping/cost/detailed/task_timing.hpp"
#include "tests/support/dram_setup.hpp"
#include "tests/support/mapping_setup.hpp"

/// Transfers of the host by formula against the channel itself, without refresh.
namespace bondsim::cost {
namespace {

struct Both {
  double channel_ps = 0, form_ps = 0;
  double error() const { return form_ps / channel_ps - 1; }
};

Both both(const std::vector<Extent>& extents, bool write) {
  System system = testing::h2llm_system();
  system.fidelity.refresh = false;
  ChannelSwitches switches;
  switches.refresh = false;
  test::CoreRun run(system.dram, system.controller, nullptr, switches, timing_rules(system.dram));
  for (const Extent& e : extents) run.host(e, write);
  run.to_end();
  const TaskTiming timing(system);
  double due = timing.first_due(0);
  return {static_cast<double>(run.now.value), timing.host_end(timing.transfer(extents, write), write, 0, due)};
}

TEST(BusTransfer, one_bank_group_takes_twice_as_long_as_all) {
  for (const bool write : {false, true}) {
    const Both all = both({test::extent_of(0, 16, 0, 4096)}, write), group = both({test::extent_of(4, 4, 0, 16384)}, write);
    EXPECT_NEAR(group.channel_ps / all.channel_ps, 2, 0.1);
    EXPECT_NEAR(all.error(), 0, 0.02) << write;
    EXPECT_NEAR(group.error(), 0, 0.02) << write;
  }
}

TEST(BusTransfer, in_one_bank_each_change_of_rows_is_waited_for) {
  for (const bool write : {false, true}) EXPECT_NEAR(both({test::extent_of(3, 1, 0, 16 << 10)}, write).error(), 0, 0.02) << write;
}

/// Heads of K that a step appends: a row's part each, two of them in every bank.
TEST(BusTransfer, two_heads_of_a_bank_follow_one_another) {
  std::vector<Extent> heads;
  for (int head = 0; head < 8; ++head) heads.push_back(test::extent_of(head % 4 * 4, 1, (head / 4 + 1) << 20, 256));
  const Both append = both(heads, true);
  EXPECT_NEAR(append.error(), 0, 0.15);
}

TEST(BusTransfer, extents_in_any_banks_take_about_as_long_as_on_the_channel) {
  test::Random random(3);
  double sum = 0, worst = 0;
  constexpr int cases = 300;
  for (int i = 0; i < cases; ++i) {
    std::vector<Extent> extents;
    const bool write = i % 2 == 0;
    for (auto n = test::pick(random, 1, 6); n > 0; --n) {
      const auto banks = static_cast<int>(std::int64_t{1} << test::pick(random, 0, 4));
      const auto first = static_cast<int>(test::pick(random, 0, 16 / banks - 1)) * banks;
      extents.push_back(test::extent_of(first, banks, test::pick(random, 0, 100) * 65536, 32 * test::pick(random, 8, 400)));
    }
    const Both result = both(extents, write);
    sum += std::abs(result.error());
    worst = std::max(worst, std::abs(result.error()));
  }
  EXPECT_LT(sum / cases, 0.02);
  EXPECT_LT(worst, 0.1);
}

/// Within a row nothing is waited for but tCCD: 32 bytes a burst, 4 cycles in one bank group, 2 in turns over all.
TEST(BusTransfer, bursts_within_rows_take_their_distances_and_no_more) {
  const DramConfig dram = test::dram_part();
  ASSERT_EQ(dram.timing.n_ccd_l, 4);
  const auto data_ck = [&](const Extent& extent) { return transfer_of({extent}, 32, false, dram.timing, dram.organization).data_ck; };
  EXPECT_EQ(data_ck(test::extent_of(3, 1, 0, 1024)), 32 * 4);
  EXPECT_EQ(data_ck(test::extent_of(0, 16, 0, 64)), 32 * 2);
  EXPECT_EQ(data_ck(test::extent_of(3, 1, 0, 32)), 4) << "one burst";
}

}  // namespace
}  // namespace bondsim::cost
