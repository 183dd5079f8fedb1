#include "mapping/emit/step_blocks.hpp"

#include <gtest/gtest.h>

#include "tests/support/mapping_setup.hpp"

namespace bondsim {
namespace {

/// Prompts of these lengths, a step each.
class Prompts : public BatchSource {
 public:
  explicit Prompts(std::vector<std::int64_t> lengths) : lengths_(std::move(lengths)) {}
  std::optional<BatchStep> next(Picoseconds) override {
    if (at_ == lengths_.size()) return std::nullopt;
    BatchStep step;
    step.batch.step = static_cast<std::int64_t>(at_);
    step.batch.requests.push_back({0, Phase::prefill, lengths_[at_], lengths_[at_], 1, 1});
    ++at_;
    return step;
  }

 private:
  std::vector<std::int64_t> lengths_;
  std::size_t at_ = 0;
};

/// What was chosen for the prompt before is no longer there.
TEST(StepBlocks, each_step_computes_its_own_prompt) {
  const Model m = testing::model("llama-3-8b");
  const std::vector<std::int64_t> prompts = {8, 300, 20};
  const auto schedule = make_schedule(make_plan(testing::h2llm_system(), m, testing::lengths(1, 300, 1), testing::dataflow("npu_only")),
                                      std::make_unique<Prompts>(prompts));
  std::vector<std::int64_t> macs(prompts.size());
  for (Block block; schedule->next(block);) {
    for (const Task& t : block.tasks) {
      if (t.op < 0 || t.kind != TaskKind::npu_gemm || schedule->header().operators[static_cast<std::size_t>(t.op)].name != "f1") continue;
      macs[static_cast<std::size_t>(block.step)] += t.npu.shape.macs() * block.layers;
    }
  }
  for (std::size_t step = 0; step < prompts.size(); ++step) {
    EXPECT_EQ(macs[step], prompts[step] * m.hidden * m.intermediate * m.layers) << "prompt of " << prompts[step];
  }
}

}  // namespace
}  // namespace bondsim
