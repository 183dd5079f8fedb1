#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "mapping/cost/detailed/detailed.hpp"
#include "models/system/validate/validator.hpp"
#include "tests/support/mapping_setup.hpp"

/// Prompts of layers with a window: a row has the scores of its window, and K and V of other tokens are not read for it.
namespace bondsim {
namespace {

using testing::dataflow;
using testing::h2llm_system;
using testing::lengths;

struct Prefill {
  std::map<std::string, std::int64_t> macs, vector, read;
  double seconds = 0;  ///< by the closed form
};

/// One layer of Llama-3-8B's shapes with a window, the others' time apart.
Model windowed(std::int64_t tokens, bool chunked) {
  Model m = testing::model("llama-3-8b");
  m.layers = 1;
  m.hidden = m.intermediate = m.vocab = 512;
  if (tokens > 0) m.window = WindowConfig{tokens, chunked, 0};
  return m;
}

Prefill prefill_of(const System& system, const Model& m, std::int64_t prompt) {
  const auto schedule = make_schedule(system, m, lengths(1, prompt, 0), dataflow("npu_only"));
  ScheduleValidator validator(system, schedule->header());
  Prefill p;
  Block block;
  while (schedule->next(block)) {
    const auto fault = validator.check(block);
    if (fault) ADD_FAILURE() << fault->text();
    if (block.layer < 0) continue;
    p.seconds += 1e-12 * cost::TaskTiming(system).block_ps(block);
    for (const Task& t : block.tasks) {
      if (t.op < 0) continue;
      const std::string& name = schedule->header().operators[static_cast<std::size_t>(t.op)].name;
      if (t.kind == TaskKind::npu_gemm) p.macs[name] += t.npu.shape.macs();
      if (t.kind == TaskKind::npu_vector && t.vector.kind == VectorKind::softmax) p.vector[name] += t.vector.elements;
      for (const auto* extents : {&t.extents, &t.npu.stationary}) {
        if (t.kind != TaskKind::host_load && t.kind != TaskKind::npu_gemm) continue;
        for (const Extent& e : *extents) p.read[name] += e.bytes();
      }
    }
  }
  return p;
}

/// By hand: row p of a prompt of n attends to min(p + 1, w), in chunks to p mod w + 1.
std::int64_t scores_by_hand(std::int64_t n, std::int64_t w, bool chunked) {
  std::int64_t sum = 0;
  for (std::int64_t p = 0; p < n; ++p) sum += chunked ? p % w + 1 : std::min(p + 1, w);
  return sum;
}

/// Rows are taken in strips of `rows` tokens, in longer chunks no further than to their ends, each with the columns from the first that its
/// first row has to its last row's own.
std::int64_t scores_by_strips(std::int64_t n, std::int64_t w, bool chunked, std::int64_t rows) {
  std::int64_t sum = 0;
  for (std::int64_t first = 0, last = 0; first < n; first = last + 1) {
    last = std::min(n, first + rows) - 1;
    if (chunked && w >= rows) last = std::min(last, first / w * w + w - 1);
    const std::int64_t from = chunked ? first / w * w : std::max<std::int64_t>(0, first - w + 1);
    sum += (last - first + 1) * (last + 1 - from);
  }
  return sum;
}

/// Tokens that attend together reach back to the first column that any of them has, counted token by token.
TEST(WindowReach, is_that_of_the_first_token) {
  for (const bool chunked : {false, true}) {
    LayerClass c;
    c.window = 44;
    c.chunked = chunked;
    for (std::int64_t context = 1; context <= 140; ++context) {
      std::int64_t first_column = context;
      for (std::int64_t tokens = 1; tokens <= context; ++tokens) {
        const std::int64_t position = context - tokens;
        first_column = std::min(first_column, chunked ? position - position % 44 : std::max<std::int64_t>(0, position - 43));
        ASSERT_EQ(c.reach(context, tokens), context - first_column) << context << " tokens, the last " << tokens << " attend";
      }
    }
  }
}

class Window : public ::testing::TestWithParam<std::tuple<std::int64_t, std::int64_t, bool, bool>> {};

TEST_P(Window, scores_and_values_are_those_of_the_strips) {
  const auto [prompt, window, chunked, fused] = GetParam();
  System system = h2llm_system();
  system.npu.fused_attention = fused;
  system.npu.prefill_block_tokens = prompt;
  const Model m = windowed(window, chunked);
  const Prefill p = prefill_of(system, m, prompt);
  const Plan plan = make_plan(system, m, lengths(1, prompt, 0), dataflow("npu_only"));
  const auto& tiles = plan.prefill.front().tiles;
  if (tiles.count("qk") == 0 || tiles.at("qk").begin()->second.problem.window == 0) {
    EXPECT_GT(3 * window, prompt) << "a window that does not pay is left to its mask";
    EXPECT_EQ(p.macs.at("qk"), prompt * prompt * 32 * 128);
    return;
  }
  const TiledAttention& tiled = tiles.at("qk").begin()->second;
  ASSERT_EQ(tiled.tile.rows % tiled.problem.group, 0) << "strips of whole tokens";
  const std::int64_t rows = tiled.tile.rows / tiled.problem.group;
  const std::int64_t scores = scores_by_strips(prompt, window, chunked, rows), exact = scores_by_hand(prompt, window, chunked);
  EXPECT_EQ(scores_of_head(tiled.problem), exact * tiled.problem.group);
  EXPECT_EQ(p.macs.at("qk"), scores * 32 * 128);
  EXPECT_EQ(p.macs.at("sv"), scores * 32 * 128);
  EXPECT_EQ(p.vector.at("softmax"), scores * 32);
  EXPECT_GE(scores, exact);
  EXPECT_LE(scores, exact + prompt * (rows - 1 + (chunked && window < rows ? window : 0)))
      << "a row computes at most what the strip's other rows need";
}
INSTANTIATE_TEST_SUITE_P(Prompts, Window,
                         ::testing::Combine(::testing::Values(700, 2000), ::testing::Values(1, 128, 512), ::testing::Bool(),
                                            ::testing::Bool()));

/// Whatever the prompt, window and scratchpad: never slower than the whole, never more MACs, and K and V are not read more often.
TEST(WindowedPrefill, is_never_slower_than_the_whole) {
  for (const bool fused : {true, false}) {
    for (const std::int64_t prompt : {200, 1500}) {
      System system = h2llm_system();
      system.npu.fused_attention = fused;
      system.npu.prefill_block_tokens = 600;
      const Prefill whole = prefill_of(system, windowed(0, false), prompt);
      for (const std::int64_t window : {50, 190, 1400, 2000}) {
        for (const bool chunked : {false, true}) {
          const Prefill part = prefill_of(system, windowed(window, chunked), prompt);
          EXPECT_LE(part.seconds, whole.seconds * 1.0001)
              << prompt << " tokens, window " << window << ", chunked " << chunked << ", fused " << fused;
          EXPECT_LE(part.macs.at("qk"), whole.macs.at("qk"));
          if (window >= prompt) {
            EXPECT_EQ(part.macs.at("qk"), whole.macs.at("qk")) << "a window that the prompt does not fill";
            EXPECT_DOUBLE_EQ(part.seconds, whole.seconds);
          }
          if (!fused) continue;  // strips read K and V of their windows anew
          EXPECT_LE(part.read.at("qk"), whole.read.at("qk")) << prompt << " tokens, window " << window;
        }
      }
    }
  }
}

/// A scratchpad that keeps no window: a strip of 32 tokens reads K and V of all its columns, once. They begin 512 tokens before it, or with
/// the prompt: the first 16 strips have 32, 64 to 512 columns, the other 16 have 544. Q, which has no place either, is read besides.
TEST(WindowedPrefill, of_a_scratchpad_that_keeps_no_window_reads_the_columns_of_each_strip_once) {
  System system = h2llm_system();
  system.npu.scratchpad_mib = 8;
  system.npu.prefill_block_tokens = 1024;
  const Model m = windowed(513, false);
  const Plan plan = make_plan(system, m, lengths(1, 1024, 0), dataflow("npu_only"));
  const AttentionTile& tile = plan.prefill.front().tiles.at("qk").begin()->second.tile;
  ASSERT_FALSE(tile.keeps_stationary);
  ASSERT_EQ(tile.rows, 32 * 4) << "of 4 queries a token and KV head";
  const Prefill p = prefill_of(system, m, 1024);
  const std::int64_t columns = 32 * (16 * 17 / 2) + 16 * 544;
  EXPECT_EQ(p.read.at("sv"), columns * 8 * 128 * 2) << "8 heads of V, 128 elements of 2 B";
  EXPECT_EQ(p.read.at("qk"), columns * 8 * 128 * 2 + 1024 * 32 * 128 * 2) << "K, and 32 heads of Q";
}

/// Prompts much longer than the window: time grows with the prompt, not with its square.
TEST(WindowedPrefill, grows_linearly_beyond_the_window) {
  System system = h2llm_system();
  system.npu.prefill_block_tokens = 1024;  // whose activations stay in the scratchpad
  const Prefill once = prefill_of(system, windowed(256, false), 4096), twice = prefill_of(system, windowed(256, false), 8192);
  EXPECT_NEAR(twice.seconds / once.seconds, 2, 0.1);
  EXPECT_LT(twice.macs.at("qk"), 4 * scores_by_hand(8192, 256, false) * 32 * 128) << "an eighth of all of Q times K";
}

}  // namespace
}  // namespace bondsim
