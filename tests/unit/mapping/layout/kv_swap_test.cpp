#include "mapping/layout/kv_swap.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <tuple>

#include "mapping/plan/plan.hpp"
#include "tests/support/mapping_setup.hpp"

namespace bondsim {
namespace {

Plan swapping_plan(const std::string& dataflow, std::int64_t swap_pages) {
  Workload w = testing::lengths(4, 640, 0);
  w.apart = true;
  w.step_tokens = 640;
  w.page_tokens = 16;
  w.swap_pages = swap_pages;
  return make_plan(testing::h2llm_system(), testing::model("llama-3.2-1b"), w, testing::dataflow(dataflow));
}

/// Llama-3.2-1B has 8 KV heads of 64 elements: K and V of a token and layer take 2 KiB.
TEST(KvSwap, caches_that_are_away_lie_apart_on_the_normal_channels_and_give_their_pages_back) {
  const Plan plan = swapping_plan("fc_offloading", 100);
  KvSwap& swap = *plan.kv_swap;
  EXPECT_EQ(swap.token_bytes(), 2048);
  std::mt19937_64 random(3);
  std::map<std::int64_t, std::int64_t> away;
  for (std::int64_t key = 0; key < 60; ++key) {
    if (!away.empty() && random() % 2 == 0) {
      swap.give_back(away.begin()->first);
      away.erase(away.begin());
    }
    const auto tokens = 1 + static_cast<std::int64_t>(random() % 400);
    if ((tokens + 15) / 16 > swap.free_pages()) continue;
    swap.take(key, tokens);
    away[key] = tokens;
    if (key % 6 > 0) continue;
    std::map<std::tuple<int, int, std::int64_t>, std::int64_t> owner;
    for (const auto& [other, length] : away) {
      std::int64_t bytes = 0;
      for (const auto& [channel, extents] : swap.extents(other, 0, length, plan.memory)) {
        EXPECT_FALSE(plan.system.has_pes(channel));
        for (const Extent& e : extents) {
          bytes += e.bytes();
          for (int b = 0; b < e.banks; ++b) {
            for (std::int64_t byte = 0; byte < e.bytes_of_bank(b); byte += 64) {
              ASSERT_TRUE(owner.emplace(std::make_tuple(channel, e.first_bank + b, e.bank_offset + byte), other).second);
            }
          }
        }
      }
      ASSERT_EQ(bytes, length * 2048);
    }
  }
  for (const auto& entry : away) swap.give_back(entry.first);
  EXPECT_EQ(swap.free_pages(), 100);
}

TEST(KvSwap, memory_of_the_normal_channels_is_counted) {
  const Plan none = swapping_plan("fc_offloading", 0), some = swapping_plan("fc_offloading", 1000);
  for (int c = 0; c < none.memory.channels(); ++c) {
    const std::int64_t more = some.memory.held_per_bank(c, Holding::kv) - none.memory.held_per_bank(c, Holding::kv);
    // 500 pages of 32 KiB over 16 banks, in each of 16 layers.
    EXPECT_EQ(more, none.system.has_pes(c) ? 0 : 500 * 2048 * 16) << c;
  }
  EXPECT_THROW(swapping_plan("fc_offloading", 1'000'000), CapacityError);
}

TEST(KvSwap, a_machine_without_normal_channels_says_so) {
  Workload w = testing::lengths(2, 64, 0);
  w.apart = true;
  w.step_tokens = w.page_tokens = 64;
  w.swap_pages = 4;
  EXPECT_THROW(make_plan(testing::h2llm_system(8, 0), testing::model("llama-3.2-1b"), w, testing::dataflow("fc_offloading")), ConfigError);
}

}  // namespace
}  // namespace bondsim
