#include "mapping/plan/block_time.hpp"

#include <gtest/gtest.h>

#include "mapping/plan/plan.hpp"
#include "tests/support/mapping_setup.hpp"

namespace bondsim::testing {
namespace {

/// Estimate of a layer of Llama 3 8B on the NPU: 16 tokens of a prompt.
double layer_seconds(const System& system, bool sliced) {
  constexpr std::int64_t tokens = 16;
  Model m = model("llama-3-8b");
  m.layers = 1;
  m.vocab = 1024;
  const Plan plan = make_plan(system, m, lengths(1, tokens, 0), dataflow("npu_only"));
  TokenBlock block;
  block.batch.requests = {{0, Phase::prefill, tokens, tokens, 1, 1}};
  block.sliced_ffn = sliced;
  return BlockTime(plan, 0).seconds(block, std::vector<std::int64_t>(plan.layer.size(), tokens));
}

/// Weights of a layer: q and o of 4096 x 4096, k and v of 4096 x 1024, f1, f2 and f3 of 4096 x 14336, 2 B each; 8 channels of 12.8 GB/s.
TEST(BlockTime, is_at_least_the_weights_over_the_bus_however_fast_the_activation) {
  System system = h2llm_system();
  system.npu.prefetch = false;
  const double weights = 2.0 * (2 * 4096 * 4096 + 2 * 4096 * 1024 + 3.0 * 4096 * 14336) / (8 * 12.8e9);
  for (const bool sliced : {false, true}) {
    EXPECT_GT(layer_seconds(system, sliced), weights) << sliced;
    EXPECT_LT(layer_seconds(system, sliced), 1.2 * weights) << sliced;
  }
}

/// One lane at 1 GHz: an activation of 16 x 14336 elements, an operation each at least, is longer than the weights.
TEST(BlockTime, is_at_least_the_activation_however_fast_the_weights) {
  System system = h2llm_system();
  system.npu.prefetch = false;
  const double before = layer_seconds(system, true);
  system.npu.vector_units = system.npu.vector_lanes = 1;
  system.npu.vector_costs = {};
  system.npu.vector_costs.activation = 1000;
  const double activation = 1000 * 16 * 14336 * 1e-9;
  ASSERT_GT(activation, before);
  for (const bool sliced : {false, true}) EXPECT_GT(layer_seconds(system, sliced), activation) << sliced;
}

}  // namespace
}  // namespace bondsim::testing
