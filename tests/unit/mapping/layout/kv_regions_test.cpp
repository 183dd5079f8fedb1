#include "mapping/layout/kv_regions.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "mapping/plan/plan.hpp"
#include "tests/support/mapping_setup.hpp"

namespace bondsim {
namespace {

/// Pages of a quarter of the context, of a half and of all of it: their frames hold the bytes of the region that has most in the channel,
/// and no more than padding beside them.
TEST(KvRegions, a_page_has_its_share_of_the_longest_region) {
  constexpr std::int64_t tokens = 1024;
  for (const char* dataflow : {"fc_offloading", "data_centric"}) {
    const Workload w = testing::lengths(2, tokens, 0);
    const Plan plan = make_plan(testing::h2llm_system(), testing::model("llama-3.2-1b"), w, testing::dataflow(dataflow));
    std::vector<const AttentionPlacement*> caches;
    for (const auto& entry : plan.attention) caches.push_back(&entry.second);
    const KvRegions regions(caches, w, plan.memory);
    std::map<int, std::int64_t> most;  // bytes of a bank by channel
    for (int request = 0; request < w.batch; ++request) {
      for (const std::size_t number : regions.of_request(request)) {
        const KvRegion& r = regions.all()[number];
        for (const Extent& e : regions.extents(request, 0, tokens)) {
          const std::int64_t end = e.bank_offset + e.max_bytes_per_bank() - r.offset;
          if (e.channel == r.channel && e.bank_offset >= r.offset && end <= r.bank_bytes) most[r.channel] = std::max(most[r.channel], end);
        }
      }
    }
    ASSERT_FALSE(most.empty());
    for (const std::int64_t pages : {4, 2, 1}) {
      const auto frames = regions.frame_bytes(tokens / pages);
      EXPECT_EQ(frames.size(), most.size());
      for (const auto& [channel, bytes] : most) {
        EXPECT_GE(frames.at(channel) * pages, bytes) << dataflow << ", channel " << channel;
        EXPECT_LT(frames.at(channel) * pages, bytes + pages * plan.memory.both_unit()) << dataflow << ", channel " << channel;
      }
    }
  }
}

}  // namespace
}  // namespace bondsim
