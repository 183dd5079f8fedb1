#include "mapping/emit/cache_moves.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>
#include <unordered_map>

#include "mapping/serving/record.hpp"
#include "mapping/serving/scheduler.hpp"
#include "tests/support/mapping_setup.hpp"

namespace bondsim {
namespace {

using serving::Request;
using serving::ServingConfig;

/// Requests whose prompts begin with one of a few texts, so close that they wait.
class Prompts : public serving::RequestSource {
 public:
  explicit Prompts(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    const auto draw = [&](std::int64_t below) { return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(below)); };
    for (std::int64_t id = 0; id < 60; ++id) {
      Request r;
      r.id = id;
      r.arrival = Picoseconds(id * 3'000'000'000);
      r.prompt_tokens = 20 + draw(1200);
      r.output_tokens = 1 + draw(380);
      const std::int64_t text = draw(3), common = draw(4);
      for (std::int64_t block = 0; block < 3; ++block) r.prefixes.push_back(block < common ? 100 * text + block : 1000 * (id + 1) + block);
      requests_.push_back(r);
    }
  }
  const Request* peek() override { return requests_.empty() ? nullptr : &requests_.front(); }
  Request take() override {
    Request r = std::move(requests_.front());
    requests_.pop_front();
    all[r.id] = r;
    return r;
  }
  void ended(const Request&, Picoseconds) override {}
  static std::map<std::int64_t, Request> all;

 private:
  std::deque<Request> requests_;
};
std::map<std::int64_t, Request> Prompts::all;

/// Says which request each entry of a batch is of.
struct Names : serving::ServingRecord {
  using ServingRecord::ServingRecord;
  void iteration(const Batch& batch, const std::vector<std::int64_t>& requests, const serving::Load& load, Picoseconds now) override {
    ServingRecord::iteration(batch, requests, load, now);
    ids = requests;
  }
  std::vector<std::int64_t> ids;
};

/// The text that a token of a request is of: equal where the hashes of their blocks are.
std::int64_t text_of(const Request& r, std::int64_t token) {
  const auto block = static_cast<std::size_t>(token / serving::prefix_block_tokens);
  const bool hashed =
      block < r.prefixes.size() && (token / serving::prefix_block_tokens + 1) * serving::prefix_block_tokens <= r.prompt_tokens;
  return (hashed ? r.prefixes[block] : 1'000'000 + r.id) * 10'000 + token;
}

/// A machine's memory as far as K goes: each access holds elements of one token, and remembers of which text.
class KeyMemory {
 public:
  explicit KeyMemory(const Plan& plan) : plan_(plan) {}

  template <class Visit>
  void units(int place, std::int64_t token, const Visit& visit) {
    const AttentionPlacement& keys = plan_.attention.at("qk");
    const auto each = [&](const std::vector<Extent>& extents) {
      for (const Extent& e : plan_.kv_table->translate(extents)) {
        for (int b = 0; b < e.banks; ++b) {
          for (std::int64_t byte = 0; byte < e.bytes_of_bank(b); byte += 64) {
            visit(((static_cast<std::int64_t>(e.channel) * 64 + e.first_bank + b) << 40) + (e.bank_offset + byte) / 64);
          }
        }
      }
    };
    for (const HeadRun& run : keys.runs) {
      if (run.request == place) each(append_extents(keys, run, token, token + 1, plan_.memory));
    }
    for (const HeadStripe& stripe : keys.stripes) {
      if (stripe.request == place) each(stripe_extents(stripe, token, token + 1, plan_.memory));
    }
  }
  void write(int place, const Request& r, std::int64_t first, std::int64_t last) {
    for (std::int64_t t = first; t < last; ++t) units(place, t, [&](std::int64_t unit) { text_[unit] = text_of(r, t); });
  }
  bool holds(int place, const Request& r, std::int64_t token) {
    bool same = true;
    units(place, token, [&](std::int64_t unit) { same = same && text_[unit] == text_of(r, token); });
    return same;
  }

 private:
  const Plan& plan_;
  std::unordered_map<std::int64_t, std::int64_t> text_;
};

std::int64_t bytes_of(const std::vector<Extent>& extents) {
  std::int64_t sum = 0;
  for (const Extent& e : extents) sum += e.bytes();
  return sum;
}

/// All blocks that move caches, and what they read and write.
void check_moves(CacheMoves& moves, std::int64_t tokens, std::int64_t token_bytes) {
  std::int64_t loaded = 0, stored = 0;
  for (Block block; moves.next(block);) {
    for (const Task& t : block.tasks) (t.kind == TaskKind::host_load ? loaded : stored) += bytes_of(t.extents) * block.layers;
  }
  for (const std::int64_t bytes : {loaded, stored}) {
    EXPECT_GE(bytes, tokens * token_bytes);
    // V of a PE may have accesses with elements of the pieces' neighbours in both.
    EXPECT_LE(bytes, tokens * token_bytes * 9 / 8);
  }
}

class CacheMovesOf : public ::testing::TestWithParam<std::tuple<const char*, const char*>> {};
INSTANTIATE_TEST_SUITE_P(Dataflows, CacheMovesOf,
                         ::testing::Combine(::testing::Values("fc_offloading", "data_centric"),
                                            ::testing::Values("prefill_first", "co_processing")),
                         [](const auto& info) { return std::string(std::get<0>(info.param)) + "_" + std::get<1>(info.param); });

/// Requests share beginnings, make room, move away and come back, in a quarter of the memory that their longest contexts need: each finds
/// in its pages, at every iteration, what was computed of its own text, and in the end all memory is free.
TEST_P(CacheMovesOf, every_request_finds_the_keys_of_its_own_text) {
  ServingConfig config;
  config.batch.policy = std::get<1>(GetParam());
  config.batch.max_batch = 6;
  config.batch.chunk_tokens = 256;
  config.kv.context_tokens = 1600;
  config.kv.capacity_tokens = 2400;
  config.kv.prefix_reuse = true;
  config.kv.preemption = serving::KvPreemption::swap;
  config.kv.swap_tokens = 480;
  const Plan plan = make_plan(testing::h2llm_system(), testing::model("llama-3.2-1b"), serving_workload(config, LayerMode::one),
                              testing::dataflow(std::get<0>(GetParam())));
  serving::PlaceLayout layout;
  for (int place = 0; place < 6; ++place) layout.alike.push_back(plan.kv_table->alike(place));
  layout.reusable = [&](int place, std::int64_t tokens) { return plan.kv_table->whole_tokens(place, tokens); };
  Names record(config);
  Prompts::all.clear();
  serving::Scheduler scheduler(config, std::make_unique<Prompts>(11), record, layout);
  CacheMoves moves(plan);
  KeyMemory memory(plan);
  std::map<std::int64_t, std::int64_t> swapped;
  std::mt19937_64 random(1);
  Picoseconds now;
  while (const auto step = scheduler.next(now)) {
    moves.begin(*step);
    std::int64_t moved = 0;
    for (const CacheChange& change : step->caches) {
      if (bondsim::moves(change.event)) moved += change.tokens;
      if (change.event == CacheEvent::swapped_out) swapped[change.key] = change.tokens;
      if (change.event == CacheEvent::swapped_in) memory.write(change.request, Prompts::all.at(change.key), 0, swapped.at(change.key));
    }
    check_moves(moves, moved * plan.model.layers, plan.kv_swap->token_bytes());
    for (std::size_t i = 0; i < record.ids.size(); ++i) {
      const BatchEntry& entry = step->batch.requests[i];
      const Request& request = Prompts::all.at(record.ids[i]);
      memory.write(entry.request, request, entry.context - entry.tokens, entry.context);
      for (int n = 0; n < 4; ++n) {
        const auto token = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(entry.context));
        ASSERT_TRUE(memory.holds(entry.request, request, token)) << "request " << request.id << ", token " << token;
      }
    }
    now = std::max(now, step->not_before) + Picoseconds(1'000'000'000 + 1'000'000 * step->batch.tokens());
  }
  const serving::ServingTotals& t = record.totals();
  EXPECT_EQ(t.complete, 60);
  EXPECT_GT(t.reused_tokens, 2000);
  EXPECT_GT(t.swaps, 2);
  EXPECT_GT(t.preemptions, t.swaps) << "the normal channels have room for some only";
  // What the last requests gave up is told with the next step, which there is not.
  moves.begin(BatchStep{{}, 1, {}, scheduler.last_changes()});
  EXPECT_EQ(plan.kv_swap->free_pages(), config.swap_pages());
  for (const HeadRun& run : plan.attention.at("qk").runs) EXPECT_EQ(plan.kv_table->frames_in_use(run.channel), 0);
  for (const HeadStripe& s : plan.attention.at("qk").stripes) {
    for (const int channel : s.channels) EXPECT_EQ(plan.kv_table->frames_in_use(channel), 0);
  }
}

}  // namespace
}  // namespace bondsim
