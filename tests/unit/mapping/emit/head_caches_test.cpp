#include "mapping/emit/head_caches.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace bondsim {
namespace {

/// Five GEMMs side by side on two PEs each: heads 10 to 14, of requests 5, 5, 7, 8 and 9.
AttentionPlacement one_run() {
  HeadRun run;
  run.channel = 3;
  run.first_pe = 4;
  run.gemms = 5;
  run.pes_per_gemm = 2;
  run.first_head = 10;
  run.request = 5;
  run.requests = {5, 5, 7, 8, 9};
  AttentionPlacement placement;
  placement.runs = {run};
  return placement;
}

BatchEntry entry(int request, std::int64_t context) { return {request, Phase::decode, 1, context, 1, 1}; }

/// Request 8 is not in the batch; 5 and 9 have one context, and so would share a part if 7 were not between them.
TEST(RunsOf, parts_are_neighbours_of_one_context_with_their_own_pes_heads_and_requests) {
  const AttentionPlacement placement = one_run();
  const auto parts = runs_of(placement, Batch{0, {entry(5, 100), entry(7, 200), entry(9, 100)}});
  ASSERT_EQ(parts.size(), 3u);
  const auto expect = [&](std::size_t i, std::int64_t context, int first_pe, std::int64_t first_head, const std::vector<int>& requests) {
    const auto& [run, rows] = parts[i];
    EXPECT_EQ(rows, ContextRows(context, 1)) << i;
    EXPECT_EQ(run.channel, 3) << i;
    EXPECT_EQ(run.first_pe, first_pe) << i;
    EXPECT_EQ(run.pes_per_gemm, 2) << i;
    EXPECT_EQ(run.gemms, static_cast<int>(requests.size())) << i;
    EXPECT_EQ(run.first_head, first_head) << i;
    EXPECT_EQ(run.requests, requests) << i;
    EXPECT_EQ(run.request, requests.front()) << i;
  };
  expect(0, 100, 4, 10, {5, 5});
  expect(1, 200, 8, 12, {7});
  expect(2, 100, 12, 14, {9});
}

TEST(RunsOf, a_run_whose_requests_are_all_alike_stays_whole) {
  const AttentionPlacement placement = one_run();
  const auto parts = runs_of(placement, Batch{0, {entry(5, 100), entry(7, 100), entry(8, 100), entry(9, 100)}});
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts.front().first.gemms, 5);
  EXPECT_EQ(parts.front().first.requests, placement.runs.front().requests);
}

TEST(HeadCaches, has_the_heads_of_the_entries_that_are_alike) {
  const AttentionPlacement placement = one_run();
  const Batch batch{0, {entry(5, 100), entry(7, 200), entry(9, 100)}};
  EXPECT_EQ(HeadCaches(placement, batch, {100, 1}).heads(), 3);
  EXPECT_EQ(HeadCaches(placement, batch, {200, 1}).heads(), 1);
}

}  // namespace
}  // namespace bondsim
