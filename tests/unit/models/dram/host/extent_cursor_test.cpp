#include <gtest/gtest.h>

#include "tests/support/dram_setup.hpp"

namespace bondsim {
namespace {

using test::CoreRun;

TEST(ExtentCursor, jump_goes_where_advancing_leads) {
  int jumps = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    test::Random random(seed);
    const DramOrganization shape = test::dram_part().organization;
    const Extent extent = test::random_extent(random, shape, 9000);
    std::vector<ExtentCursor> ways;
    for (ExtentCursor cursor(extent, shape); !cursor.done(); cursor.advance()) {
      if (ways.size() < 5 || random() % 100 == 0) ways.push_back(cursor);
      if (cursor.row_shape(cursor.at().row) < 0) continue;
      ExtentCursor jumped = ways[random() % ways.size()];
      jumped.jump(cursor.at());
      ExtentCursor walked = cursor;
      ++jumps;
      for (int i = 0; i < 70 && !walked.done(); ++i) {
        ASSERT_EQ(walked.advance(), jumped.advance()) << "seed " << seed;
        ASSERT_EQ(walked.done(), jumped.done()) << "seed " << seed;
        ASSERT_TRUE(walked.at().bank == jumped.at().bank && walked.at().row == jumped.at().row && walked.at().column == jumped.at().column)
            << "seed " << seed;
      }
    }
  }
  EXPECT_GT(jumps, 10'000);
}

TEST(ExtentCursor, row_shape_is_what_every_bank_has_in_the_row) {
  const DramOrganization shape = test::dram_part().organization;  // pages of 2 KB, 64 bursts
  const auto columns = [](std::int64_t first, std::int64_t end) { return first << 32 | end; };
  const ExtentCursor even(test::extent_of(2, 5, 1024, 4096), shape);
  EXPECT_EQ(even.row_shape(0), columns(32, 64));
  EXPECT_EQ(even.row_shape(1), columns(0, 64));
  EXPECT_EQ(even.row_shape(2), columns(0, 32));
  EXPECT_EQ(even.row_shape(3), -1) << "outside of the extent";
  Extent longer = test::extent_of(0, 4, 2048, 2048);
  longer.longer_banks = 1;
  longer.extra_bytes = 64;
  EXPECT_EQ(ExtentCursor(longer, shape).row_shape(0), -1);
  EXPECT_EQ(ExtentCursor(longer, shape).row_shape(1), columns(0, 64));
  EXPECT_EQ(ExtentCursor(longer, shape).row_shape(2), -1) << "one bank alone has more";
}

std::vector<ListedRequest> requests_at(const std::vector<std::int64_t>& arrivals_ns) {
  std::vector<ListedRequest> requests;
  for (const std::int64_t ns : arrivals_ns) {
    ListedRequest request;
    request.at = {0, 3, static_cast<std::int32_t>(requests.size())};
    request.arrival = Picoseconds(ns * 1000);
    requests.push_back(request);
  }
  return requests;
}

TEST(ChannelCore, waiting_for_requests_to_arrive_is_free_time) {
  const DramConfig dram = test::dram_part();
  ControllerConfig controller;
  controller.refresh = RefreshKind::none;
  CoreRun run(dram, controller, nullptr, ChannelSwitches{}, timing_rules(dram));
  const auto requests = requests_at({1'000, 1'000, 9'000, 30'000});
  run.core.submit({requests.data(), requests.size()}, 0, 1, run.now);
  run.to_end();
  const ChannelTimes times = run.core.times(run.now);
  EXPECT_EQ(times.host_transfer.value, 4 * 2 * 1250) << "four bursts of two cycles";
  const std::int64_t hit = 17 * 1250;          // CL of the second and third, the row is open
  const std::int64_t miss = (15 + 17) * 1250;  // tRCD, CL
  EXPECT_NEAR(static_cast<double>(times.host_row.value), static_cast<double>(miss + 2 * hit + 2 * 1250), 3 * 1250.0)
      << "tCCD_L between the first two, and edges of CK";
  EXPECT_EQ(times.free + times.host_row + times.host_transfer, run.now);
}

TEST(ChannelCore, work_that_comes_while_requests_are_awaited_counts) {
  const DramConfig dram = test::dram_part();
  ControllerConfig controller;
  controller.refresh = RefreshKind::none;
  CoreRun run(dram, controller, nullptr, ChannelSwitches{}, timing_rules(dram));
  const auto requests = requests_at({50'000});
  run.core.submit({requests.data(), requests.size()}, 0, 1, run.now);
  run.to(Picoseconds(10'000'000));
  EXPECT_EQ(run.core.times(run.now).free, run.now);
  run.host(test::extent_of(0, 16, 0, 512), false);
  run.to(Picoseconds(20'000'000));
  const ChannelTimes times = run.core.times(run.now);
  EXPECT_EQ(times.host_transfer.value, 256 * 2 * 1250);
  EXPECT_GT(times.host_row.value, 32 * 1250 - 1250);
  EXPECT_LT(times.host_row.value, 200'000);
  EXPECT_EQ(times.free + times.host_row + times.host_transfer, run.now);
}

}  // namespace
}  // namespace bondsim
