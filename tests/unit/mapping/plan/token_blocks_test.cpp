#include "mapping/plan/token_blocks.hpp"

#include <gtest/gtest.h>

#include <random>

#include "mapping/cost/detailed/task_timing.hpp"
#include "mapping/plan/plan.hpp"
#include "models/system/peaks.hpp"
#include "models/system/validate/validator.hpp"
#include "tests/support/mapping_setup.hpp"
#include "tests/support/scale.hpp"

/// Prefill in blocks of tokens.
namespace bondsim::testing {
namespace {

struct Prefill {
  System system;
  Model model;
  Workload workload;
  Dataflow dataflow;
};

Plan plan_of(const Prefill& p) { return make_plan(p.system, p.model, p.workload, p.dataflow); }

/// Of a layer of the prefill, by the tasks of all its blocks.
double layer_seconds(const Prefill& p, Plan plan) {
  const auto schedule = make_schedule(std::move(plan), ScheduleScope{0, true});
  double seconds = 0;
  for (Block block; schedule->next(block) && block.step == 0; block = Block{})
    seconds += cost::TaskTiming(p.system).block_ps(block) * 1e-12;
  return seconds;
}

Prefill random_prefill(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto one_of = [&](std::initializer_list<double> values) { return values.begin()[random() % values.size()]; };
  Prefill p{h2llm_system(),
            model(std::vector<const char*>{"llama-3-8b", "llama-3-8b-w4a16", "opt-6.7b", "palm-8b", "mixtral-8x7b-w4a16", "llama-3.2-1b",
                                           "qwen3-8b"}[random() % 7]),
            {},
            dataflow(std::vector<const char*>{"fc_offloading", "attention_offloading", "npu_only"}[random() % 3])};
  p.model.layers = 1;
  p.model.vocab = 1024;
  p.system.npu.scratchpad_mib = one_of({12, 24, 48, 96, 128, 256});
  p.system.npu.dma_chunk_kib = one_of({128, 512});
  p.system.npu.arrays = static_cast<int>(one_of({2, 8, 16}));
  p.system.npu.fused_attention = random() % 4 != 0;
  const int batch = 1 << (random() % 5);
  p.workload = lengths(batch, static_cast<std::int64_t>(random() % 1200) + 40, 0);
  if (random() % 2 == 0) {
    p.workload.prompt_tokens = 0;
    for (int r = 0; r < batch; ++r) p.workload.prompts.push_back(static_cast<std::int64_t>(random() % 1500) + 20);
  }
  return p;
}

TEST(TokenBlocks, are_near_the_best_of_all_at_once_and_every_power_of_two) {
  int blocked = 0, compared = 0;
  double worst = 0;
  const int cases = test::scaled(10);
  for (std::uint64_t seed = 1; seed <= static_cast<std::uint64_t>(cases); ++seed) {
    Prefill p = random_prefill(seed);
    Plan plan = plan_of(p);
    std::int64_t tokens = 0;
    for (const TokenBlock& b : plan.prefill) tokens += b.batch.tokens();
    blocked += plan.prefill.size() > 1 ? 1 : 0;
    const std::string chosen =
        fmt::format("seed {}, {}, {}, {} MiB, {} arrays, batch {}, attention {}: {} blocks of {} tokens", seed, p.model.name,
                    p.dataflow.name, p.system.npu.scratchpad_mib, p.system.npu.arrays, p.workload.batch,
                    p.system.npu.fused_attention ? "fused" : "not fused", plan.prefill.size(), plan.prefill.front().batch.tokens());
    double weights = 0;  // bytes of the layer, without experts: each block reads them
    for (OperatorId v = 0; v < plan.layer.size(); ++v) {
      if (plan.layer[v].kind == OperatorKind::weight_gemm && plan.layer[v].expert < 0)
        weights += static_cast<double>(plan.layer[v].n * plan.layer[v].k * p.model.bits.weight) / 8;
    }
    const double once = weights / (bus_gbps(p.system.dram) * 1e9 * p.system.channel_count());
    const double seconds = layer_seconds(p, std::move(plan));
    for (std::int64_t size = 2 * tokens; size >= 1; size = size > tokens ? tokens : (std::int64_t{1} << (63 - __builtin_clzll(size - 1)))) {
      if (size<tokens&& static_cast<double>(tokens / size) * once> seconds) break;  // reading the weights alone takes longer
      p.system.npu.prefill_block_tokens = size;
      Plan other = plan_of(p);
      const double other_seconds = layer_seconds(p, std::move(other));
      EXPECT_LE(seconds, 1.05 * other_seconds) << chosen << "; better: blocks of " << size;
      worst = std::max(worst, seconds / other_seconds);
      ++compared;
      if (size == 1) break;
    }
  }
  RecordProperty("blocked", blocked);
  RecordProperty("worst", fmt::format("{:.3f}", worst));
  EXPECT_GT(blocked, 5 * cases / 24);
  EXPECT_GT(compared, 50 * cases / 24);
}

TEST(TokenBlocks, take_every_token_once_in_its_order_with_the_context_before_it) {
  Prefill p{h2llm_system(), model("llama-3-8b"), lengths(3, 0, 0), dataflow("attention_offloading")};
  p.workload.prompts = {100, 37, 250};
  p.system.npu.prefill_block_tokens = 64;
  const Plan plan = plan_of(p);
  ASSERT_EQ(plan.prefill.size(), 7U);  // 387 tokens
  std::vector<std::int64_t> seen(3, 0), yielded(3, 0);
  int request = 0;
  for (const TokenBlock& b : plan.prefill) {
    EXPECT_LE(b.batch.tokens(), 64);
    for (const BatchEntry& r : b.batch.requests) {
      EXPECT_GE(r.request, request);
      request = r.request;
      std::int64_t& of = seen[static_cast<std::size_t>(r.request)];
      of += r.tokens;
      EXPECT_EQ(r.context, of);
      yielded[static_cast<std::size_t>(r.request)] += r.yields;
    }
  }
  EXPECT_EQ(seen, (std::vector<std::int64_t>{100, 37, 250}));
  EXPECT_EQ(yielded, (std::vector<std::int64_t>{1, 1, 1}));
}

/// Requests of equal prompts share runs of PEs, of which a block has some.
TEST(TokenBlocks, of_requests_that_share_runs_of_pes_make_a_sound_schedule) {
  for (const char* name : {"attention_offloading", "data_centric"}) {
    for (const std::int64_t size : {50, 90, 130}) {
      Prefill p{h2llm_system(), model("llama-3-8b"), lengths(3, 90, 1), dataflow(name)};
      p.model.layers = 2;
      p.model.vocab = 2048;
      p.system.npu.prefill_block_tokens = size;
      p.system.npu.scratchpad_mib = 12;
      const auto schedule = make_schedule(plan_of(p));
      const auto fault = validate_schedule(p.system, *schedule);
      EXPECT_FALSE(fault) << name << ": " << fault->text();
    }
  }
}

/// What a block moves is hand-computed: the residual stream of its tokens in and out, and its weights once.
TEST(TokenBlocks, load_and_store_the_residual_stream_where_it_does_not_stay) {
  Prefill p{h2llm_system(), model("llama-3-8b"), lengths(16, 783, 0), dataflow("fc_offloading")};
  p.model.vocab = 2048;
  const Plan plan = plan_of(p);
  ASSERT_GT(plan.prefill.size(), 1U);
  ASSERT_GT(plan.prefill.front().residual.bytes, 0);
  const auto schedule = make_schedule(plan_of(p));
  std::map<std::string, std::int64_t> loaded, stored;
  for (Block block; schedule->next(block); block = Block{}) {
    for (const Task& t : block.tasks) {
      std::int64_t bytes = 0;
      for (const Extent& e : t.extents) bytes += e.bytes();
      const std::string name = t.op < 0 ? "" : schedule->header().operators[static_cast<std::size_t>(t.op)].name;
      if (t.kind == TaskKind::host_load) loaded[name] += bytes;
      if (t.kind == TaskKind::host_scatter) stored[name] += bytes;
    }
  }
  const std::int64_t stream = std::int64_t{16} * 783 * 4096 * 2;
  EXPECT_EQ(loaded["norm"], stream);
  EXPECT_EQ(stored["residual_ffn"], stream);
  EXPECT_EQ(stored["embedding"], stream);
  EXPECT_EQ(loaded["final_norm"], 16 * 4096 * 2);
}

/// 783 rows of 8 KiB beside 4 MiB that the weights' stream leaves: the stream is loaded for the first norm and for the sum that adds it,
/// and each operator loads the spilled part of its inputs besides.
TEST(TokenBlocks, load_a_residual_stream_that_has_no_place_again_where_it_is_added) {
  Prefill p{h2llm_system(), model("llama-3-8b"), lengths(1, 783, 0), dataflow("fc_offloading")};
  p.model.layers = 1;
  p.model.vocab = 1024;
  p.system.npu.scratchpad_mib = 12;
  p.system.npu.prefill_block_tokens = 1 << 20;
  const Plan plan = plan_of(p);
  ASSERT_EQ(plan.prefill.size(), 1U);
  const TokenBlock& all = plan.prefill.front();
  ASSERT_TRUE(all.residual_streams);
  const std::int64_t unit = plan.memory.host_unit(), stream = std::int64_t{783} * 4096 * 2;
  const auto schedule = make_schedule(plan_of(p));
  std::map<std::string, std::int64_t> loaded;
  for (Block block; schedule->next(block); block = Block{}) {
    for (const Task& t : block.tasks) {
      if (block.layer != 0 || t.kind != TaskKind::host_load) continue;
      for (const Extent& e : t.extents) loaded[schedule->header().operators[static_cast<std::size_t>(t.op)].name] += e.bytes();
    }
  }
  for (OperatorId v = 0; v < plan.layer.size(); ++v) {
    if (plan.layer[v].kind != OperatorKind::vector || plan.layer[v].name == "softmax") continue;  // softmax runs tile by tile
    std::int64_t bytes = plan.layer[v].name == "norm" || plan.layer[v].name == "residual_attention" ? stream : 0;
    for (const OperatorId u : plan.layer.inputs(v)) bytes += ceil_div(all.spills[u].bytes, unit) * unit;
    EXPECT_EQ(loaded[plan.layer[v].name], bytes) << plan.layer[v].name;
  }
}

/// All at once moves 3.4 GB a layer, with slices; weights, K and V alone are 0.6 GB.
TEST(TokenBlocks, of_the_batch_of_16_move_less_than_three_quarters_of_what_all_at_once_moves) {
  Prefill p{h2llm_system(), model("llama-3-8b"), lengths(16, 783, 0), dataflow("fc_offloading")};
  const auto moved = [&] {
    const auto schedule = make_schedule(plan_of(p), ScheduleScope{0, true});
    double bytes = 0;
    for (Block block; schedule->next(block); block = Block{}) {
      for (const Task& t : block.tasks) {
        for (const Extent& e : t.extents) bytes += static_cast<double>(e.bytes());
        for (const Extent& e : t.npu.stationary) bytes += static_cast<double>(e.bytes());
      }
    }
    return bytes;
  };
  const double blocks = moved();
  p.system.npu.prefill_block_tokens = 1 << 20;
  EXPECT_LT(blocks, 0.75 * moved());
}

/// A channel has 14 MiB of the 4096 x 14336 weights of f1, so a chunk of 512 KiB in each of 8 is 512 columns. While the arrays make one
/// slice, the activation has another: 500 rows of 1024 columns of 2 B. All columns of f1, f3 and the activation are 43 MB.
TEST(TokenBlocks, of_a_sliced_ffn_keep_two_slices_of_f1_and_f3) {
  Prefill p{h2llm_system(), model("llama-3-8b"), lengths(1, 500, 0), dataflow("npu_only")};
  p.model.layers = 1;
  p.model.vocab = 1024;
  p.system.npu.dma_chunk_kib = 512;
  p.system.npu.scratchpad_mib = 12;
  const Plan spilled = plan_of(p);
  ASSERT_TRUE(spilled.prefill.front().sliced_ffn);
  std::map<std::string, std::int64_t> bytes;
  for (OperatorId v = 0; v < spilled.layer.size(); ++v) bytes[spilled.layer[v].name] = spilled.prefill.front().spills.at(v).bytes;
  EXPECT_EQ(bytes["f1"], 500 * 1024 * 2) << "beside the residual stream and the weights nothing has a place";
  EXPECT_EQ(bytes["f3"], 500 * 1024 * 2);
  p.system.npu.scratchpad_mib = 36;
  const Plan held = plan_of(p);
  ASSERT_TRUE(held.prefill.front().sliced_ffn);
  EXPECT_TRUE(held.prefill.front().spills.empty());
}

}  // namespace
}  // namespace bondsim::testing
