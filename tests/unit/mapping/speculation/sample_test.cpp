#include "mapping/speculation/sample.hpp"

#include <gtest/gtest.h>

#include <map>

#include "tests/support/mapping_setup.hpp"

/// Tokens that pass through the draft in a sampled step: MACs of its GEMMs over their weights.
namespace bondsim::speculation {
namespace {

/// A target of 512 hidden elements with drafts by a model of its own, of two layers and 256 hidden elements.
struct Sampled {
  Model target = testing::model("llama-3-8b");
  Draft draft{testing::model("llama-3-8b"), testing::dataflow("npu_only")};
  SpeculationConfig config;

  Sampled(int depth, std::vector<int> width) {
    target.layers = 3;
    target.hidden = target.intermediate = target.vocab = 512;
    draft.model.layers = 2;
    draft.model.hidden = draft.model.intermediate = 256;
    draft.model.vocab = 512;
    config.draft = DraftKind::model;
    config.depth = depth;
    config.acceptance = {0.5};
    config.width = std::move(width);
  }

  std::map<std::string, std::int64_t> macs(SampledPart part, int batch) const {
    Workload w = testing::lengths(batch, 48, 12);
    w.speculation = config;
    const bool own = config.draft == DraftKind::model;
    const auto blocks = sample_schedule(
        make_plans(testing::h2llm_system(), target, w, testing::dataflow("npu_only"), {}, own ? std::optional<Draft>(draft) : std::nullopt),
        part, 40);
    std::map<std::string, std::int64_t> out;
    for (Block block; blocks->next(block);) {
      for (const Task& t : block.tasks) {
        if (t.kind != TaskKind::npu_gemm) continue;
        out[blocks->header().operators[static_cast<std::size_t>(t.op)].name] += t.npu.shape.macs() * block.executions();
      }
    }
    return out;
  }
};

TEST(SampledSchedule, the_draft_takes_a_token_a_step_and_one_more_when_all_of_the_draft_before_was_accepted) {
  for (const int batch : {1, 3}) {
    for (const int depth : {1, 4}) {
      const Sampled chain(depth, {});
      const std::int64_t f1 = std::int64_t{batch} * 2 * 256 * 256, head = std::int64_t{batch} * 256 * 512;
      EXPECT_EQ(chain.macs(SampledPart::draft, batch)["draft.f1"], depth * f1) << batch << " requests, depth " << depth;
      EXPECT_EQ(chain.macs(SampledPart::caught_up, batch)["draft.f1"], (depth + 1) * f1) << batch << " requests, depth " << depth;
      // The token that is caught up with needs no logits.
      EXPECT_EQ(chain.macs(SampledPart::caught_up, batch)["draft.lm_head"], depth * head) << batch << " requests, depth " << depth;
    }
  }
}

TEST(SampledSchedule, the_draft_takes_a_token_for_each_branch_of_the_level_before) {
  // 3 drafts, then 2 after each of them, then 1 after each: the last level passes through the target alone.
  const Sampled tree(3, {3, 2, 1});
  const std::int64_t f1 = std::int64_t{2} * 256 * 256;
  EXPECT_EQ(tree.macs(SampledPart::draft, 1)["draft.f1"], (1 + 3 + 6) * f1);
  EXPECT_EQ(tree.macs(SampledPart::caught_up, 1)["draft.f1"], (2 + 3 + 6) * f1);
  EXPECT_EQ(tree.macs(SampledPart::verification, 1)["f1"], std::int64_t{1 + 3 + 6 + 6} * 3 * 512 * 512);
}

TEST(SampledSchedule, layers_of_the_target_have_its_cache_and_catch_up_with_nothing) {
  Sampled layers(4, {});
  layers.config.draft = DraftKind::layers;
  layers.config.layers = 1;
  EXPECT_EQ(layers.macs(SampledPart::draft, 1)["draft.f1"], std::int64_t{4} * 512 * 512);
  EXPECT_EQ(layers.macs(SampledPart::caught_up, 1), layers.macs(SampledPart::draft, 1));
}

}  // namespace
}  // namespace bondsim::speculation
