#include "mapping/layout/kv_table.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <tuple>

#include "mapping/plan/plan.hpp"
#include "tests/support/mapping_setup.hpp"

namespace bondsim {
namespace {

Plan paged_plan(const std::string& dataflow, int places, std::int64_t tokens, std::int64_t page_tokens) {
  Workload w = testing::lengths(places, tokens, 0);
  w.apart = true;
  w.step_tokens = tokens;
  w.page_tokens = page_tokens;
  return make_plan(testing::h2llm_system(), testing::model("llama-3.2-1b"), w, testing::dataflow(dataflow));
}

std::vector<Extent> cache_of(const Plan& plan, int request, std::int64_t context) {
  std::vector<Extent> out;
  for (const auto& entry : plan.attention) {
    for (const HeadRun& run : entry.second.runs) {
      if (run.request != request) continue;
      for (const Extent& e : cache_extents(entry.second, run, context, plan.memory)) out.push_back(e);
    }
    for (const HeadStripe& stripe : entry.second.stripes) {
      if (stripe.request != request) continue;
      for (const Extent& e : stripe_extents(stripe, 0, context, plan.memory)) out.push_back(e);
    }
  }
  return out;
}

std::int64_t bytes_of(const std::vector<Extent>& extents) {
  std::int64_t sum = 0;
  for (const Extent& e : extents) sum += e.bytes();
  return sum;
}

class KvTableOf : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Dataflows, KvTableOf, ::testing::Values("fc_offloading", "data_centric"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(KvTableOf, the_first_request_lies_in_one_piece_where_its_place_is_the_first) {
  const Plan plan = paged_plan(GetParam(), 3, 1024, 16);
  const auto before = cache_of(plan, 0, 512);
  EXPECT_EQ(bytes_of(plan.kv_table->translate(before)), bytes_of(before));
}

/// Requests come, grow and go at random: no byte of a bank belongs to two of them, and what they hold is as much as their caches have.
TEST_P(KvTableOf, pages_of_different_requests_never_share_a_byte) {
  const Plan plan = paged_plan(GetParam(), 5, 640, 16);
  std::mt19937_64 random(8);
  std::map<int, std::int64_t> context;
  for (int step = 0; step < 60; ++step) {
    const int request = static_cast<int>(random() % 5);
    if (context.count(request) > 0 && random() % 3 == 0) {
      plan.kv_table->release(request);
      context.erase(request);
      continue;
    }
    std::int64_t& tokens = context[request];
    tokens = std::min<std::int64_t>(640, tokens + 1 + static_cast<std::int64_t>(random() % 200));
    std::map<std::tuple<int, int, std::int64_t>, int> owner;  // channel, bank, 32 bytes
    for (const auto& [other, length] : context) {
      const auto cache = cache_of(plan, other, length);
      const auto placed = plan.kv_table->translate(cache);
      ASSERT_EQ(bytes_of(placed), bytes_of(cache));
      for (const Extent& e : placed) {
        for (int b = 0; b < e.banks; ++b) {
          for (std::int64_t byte = 0; byte < e.bytes_of_bank(b); byte += 32) {
            const auto [at, fresh] = owner.try_emplace({e.channel, e.first_bank + b, (e.bank_offset + byte) / 32}, other);
            ASSERT_TRUE(fresh || at->second == other) << "step " << step << ": requests " << at->second << " and " << other;
          }
        }
      }
    }
  }
}

/// A page at the border of two places is of both: who gives up one place leaves it, and the next to come cannot have it.
TEST_P(KvTableOf, what_others_give_back_moves_nothing_of_a_request) {
  constexpr std::int64_t tokens = 101, page_tokens = 40;  // places end within a page
  for (const int stays : {2, 3}) {
    const Plan plan = paged_plan(GetParam(), 4, tokens, page_tokens);
    for (const int request : {0, 2, 3}) plan.kv_table->translate(cache_of(plan, request, tokens));
    const auto before = plan.kv_table->translate(cache_of(plan, stays, tokens));
    plan.kv_table->release(0);
    plan.kv_table->translate(cache_of(plan, 1, tokens));
    const auto after = plan.kv_table->translate(cache_of(plan, stays, tokens));
    ASSERT_EQ(after.size(), before.size());
    for (std::size_t i = 0; i < before.size(); ++i) EXPECT_EQ(after[i].bank_offset, before[i].bank_offset) << "request " << stays;
  }
}

TEST_P(KvTableOf, a_cache_that_grows_beside_others_is_in_pieces_and_all_its_frames_come_back) {
  const Plan plan = paged_plan(GetParam(), 4, 512, 16);
  for (std::int64_t tokens = 32; tokens <= 512; tokens += 32) {
    for (int request = 0; request < 4; ++request) plan.kv_table->translate(cache_of(plan, request, tokens));
  }
  EXPECT_GT(plan.kv_table->translate(cache_of(plan, 2, 512)).size(), cache_of(plan, 2, 512).size());
  EXPECT_GT(plan.kv_table->extents_a_piece(), 1.5);
  const std::int64_t all = plan.kv_table->frames_in_use(0);
  for (int request = 0; request < 4; ++request) plan.kv_table->release(request);
  // Pages at the border of two places keep their frames.
  EXPECT_LE(plan.kv_table->frames_in_use(0), 64);
  EXPECT_GT(all, 64);
}

}  // namespace
}  // namespace bondsim
