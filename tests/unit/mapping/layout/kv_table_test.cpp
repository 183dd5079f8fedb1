#include "mapping/layout/kv_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <tuple>
#include <utility>

#include "mapping/plan/plan.hpp"
#include "tests/support/mapping_setup.hpp"

namespace bondsim {
namespace {

Plan paged_plan(const std::string& dataflow, int places, std::int64_t tokens, std::int64_t page_tokens, std::int64_t kv_pages = 0,
                std::int64_t shared_tokens = 0) {
  Workload w = testing::lengths(places, tokens, 0);
  w.apart = true;
  w.step_tokens = tokens;
  w.page_tokens = page_tokens;
  w.kv_pages = kv_pages;
  w.shared_tokens = shared_tokens;
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

std::int64_t used_frames(const Plan& plan) {
  std::set<int> channels;
  for (const Extent& e : cache_of(plan, 0, plan.workload.reserved_tokens(0))) channels.insert(e.channel);
  std::int64_t frames = 0;
  for (const int c : channels) frames += plan.kv_table->frames_in_use(c);
  return frames;
}

class KvTableOf : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Dataflows, KvTableOf, ::testing::Values("fc_offloading", "data_centric"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(KvTableOf, the_first_request_lies_in_one_piece_where_its_place_is_the_first) {
  const Plan plan = paged_plan(GetParam(), 3, 1024, 16);
  const auto before = cache_of(plan, 0, 512);
  EXPECT_EQ(bytes_of(plan.kv_table->translate(before)), bytes_of(before));
}

/// Bytes of a bank that a request has.
struct Held {
  std::int64_t from = 0, to = 0;
  int request = -1;
};

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
    std::map<std::pair<int, int>, std::vector<Held>> held;  // by channel and bank
    for (const auto& [other, length] : context) {
      const auto cache = cache_of(plan, other, length);
      const auto placed = plan.kv_table->translate(cache);
      ASSERT_EQ(bytes_of(placed), bytes_of(cache));
      for (const Extent& e : placed) {
        for (int b = 0; b < e.banks; ++b)
          held[{e.channel, e.first_bank + b}].push_back({e.bank_offset, e.bank_offset + e.bytes_of_bank(b), other});
      }
    }
    for (auto& entry : held) {
      std::vector<Held>& pieces = entry.second;
      std::sort(pieces.begin(), pieces.end(), [](const Held& a, const Held& b) { return a.from < b.from; });
      Held last;
      for (const Held& piece : pieces) {
        if (piece.from == piece.to) continue;
        ASSERT_TRUE(piece.from >= last.to || piece.request == last.request)
            << "step " << step << ": requests " << last.request << " and " << piece.request;
        if (piece.to > last.to) last = piece;
      }
    }
  }
}

/// Places end within a page, and nobody else has the rest of it.
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
  for (int request = 0; request < 4; ++request) plan.kv_table->release(request);
  EXPECT_EQ(used_frames(plan), 0);
}

/// Requests come, grow and go at random, as many pages as there are among them: a frame is always free, and the memory is a part of that
/// for the longest context of each.
TEST_P(KvTableOf, there_are_frames_for_any_division_of_the_pages) {
  constexpr int places = 6;
  constexpr std::int64_t tokens = 640, page_tokens = 16, pages = 80;  // of 240
  const Plan plan = paged_plan(GetParam(), places, tokens, page_tokens, pages), all = paged_plan(GetParam(), places, tokens, page_tokens);
  for (int c = 0; c < plan.memory.channels(); ++c) {
    if (plan.memory.held_per_bank(c, Holding::kv) == 0) continue;
    EXPECT_LT(plan.memory.held_per_bank(c, Holding::kv), 0.55 * static_cast<double>(all.memory.held_per_bank(c, Holding::kv))) << c;
  }
  std::mt19937_64 random(5);
  std::vector<std::int64_t> held(places, 0);
  std::int64_t free = pages;
  for (int step = 0; step < 600; ++step) {
    const auto request = static_cast<std::size_t>(random() % places);
    if (random() % 8 == 0) {
      plan.kv_table->release(static_cast<int>(request));
      free += std::exchange(held[request], 0);
      continue;
    }
    const auto more = std::min<std::int64_t>({free, tokens / page_tokens - held[request], static_cast<std::int64_t>(random() % 12)});
    held[request] += more;
    free -= more;
    if (held[request] == 0) continue;
    const std::int64_t context = held[request] * page_tokens - static_cast<std::int64_t>(random() % page_tokens);
    ASSERT_NO_THROW(plan.kv_table->translate(cache_of(plan, static_cast<int>(request), context))) << "step " << step;
  }
}

/// A page of 16 tokens with 8 heads of 64 elements of 2 B is 16 KiB of K and as much of V: over 8 channels of 16 banks whole frames of
/// 128 B, one of each. A block may fill its last frame in part, and so may what each request has for itself: a frame more for each of them.
TEST(KvTable, of_shared_blocks_has_two_frames_a_page_and_one_more_a_block_and_request) {
  constexpr std::int64_t page_tokens = 16, block_pages = 32, layers = 16;
  for (const int places : {2, 3}) {
    for (const std::int64_t blocks : {3, 4}) {
      const Plan plan = paged_plan("npu_only", places, 1024, page_tokens, blocks * block_pages, block_pages * page_tokens);
      for (int c = 0; c < 8; ++c) {
        const std::int64_t frames = 2 * blocks * block_pages + blocks + places;
        EXPECT_EQ(plan.kv_table->frames(c), frames) << places << " requests, " << blocks << " blocks";
        EXPECT_EQ(plan.memory.held_per_bank(c, Holding::kv), frames * 128 * layers) << places << " requests, " << blocks << " blocks";
      }
    }
  }
}

std::set<std::tuple<int, int, std::int64_t>> places_of(const std::vector<Extent>& extents) {
  std::set<std::tuple<int, int, std::int64_t>> out;
  for (const Extent& e : extents) {
    for (int b = 0; b < e.banks; ++b) {
      for (std::int64_t byte = 0; byte < e.bytes_of_bank(b); byte += 32) out.insert({e.channel, e.first_bank + b, e.bank_offset + byte});
    }
  }
  return out;
}

/// A request that has a block which another shared reads its first tokens where the other wrote them, also when that one has gone, and
/// writes what comes after them elsewhere.
TEST_P(KvTableOf, a_shared_block_lies_in_memory_once_until_it_is_dropped) {
  for (const std::int64_t page_tokens : {16, 40}) {  // a block ends with a page, or within one
    const Plan plan = paged_plan(GetParam(), 8, 1024, page_tokens, 0, 512);
    int other = 1;
    while (other < 8 && plan.kv_table->alike(other) != plan.kv_table->alike(0)) ++other;
    ASSERT_LT(other, 8) << "no two places are alike";
    const std::int64_t whole = plan.kv_table->whole_tokens(0, 512);
    EXPECT_GT(whole, 384);
    EXPECT_LE(whole, 512);
    const auto first = places_of(plan.kv_table->translate(cache_of(plan, 0, 1000)));
    const auto beginning = places_of(plan.kv_table->translate(cache_of(plan, 0, whole)));
    plan.kv_table->share(7, 0, 0, 512);
    plan.kv_table->attach(7, other);
    EXPECT_EQ(places_of(plan.kv_table->translate(cache_of(plan, other, whole))), beginning);
    const auto second = places_of(plan.kv_table->translate(cache_of(plan, other, 1000)));
    std::vector<std::tuple<int, int, std::int64_t>> both;
    std::set_intersection(first.begin(), first.end(), second.begin(), second.end(), std::back_inserter(both));
    const auto block = places_of(plan.kv_table->translate(cache_of(plan, 0, 512)));
    for (const auto& place : both) EXPECT_EQ(block.count(place), 1u) << "what comes after the block is of one request";
    plan.kv_table->release(0);
    EXPECT_EQ(places_of(plan.kv_table->translate(cache_of(plan, other, 1000))), second);
    plan.kv_table->release(other);
    EXPECT_GT(used_frames(plan), 0) << "the block stays";
    plan.kv_table->drop(7);
    EXPECT_EQ(used_frames(plan), 0);
  }
}

}  // namespace
}  // namespace bondsim
