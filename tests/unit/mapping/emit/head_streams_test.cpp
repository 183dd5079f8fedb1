#include <gtest/gtest.h>

#include "tests/support/mapping_setup.hpp"

namespace bondsim {
namespace {

/// Heads in banks have a softmax for each wave, those on the NPU one more: together they have the scores of all heads.
TEST(HeadStreams, softmax_has_the_scores_of_heads_in_banks_and_on_the_npu) {
  const Model m = testing::model("llama-3-8b");
  for (const char* share : {"0.25", "0.5", "0.8"}) {
    const Dataflow dataflow = decode_dataflow(
        parse_yaml(std::string("schema: bondsim.dataflow/1\nname: given\nattention_overlap: true\noperators:\n") +
                       "  - {names: [qk, sv], executor: split, nmp_channels: all, normal_channels: true, nmp_share: " + share +
                       "}\n  - {names: [all], executor: npu, nmp_channels: all, normal_channels: true}\n",
                   "given.yaml"));
    const auto schedule = make_schedule(testing::h2llm_system(), m, testing::lengths(3, 40, 2), dataflow);
    int decode_layers = 0;
    for (Block block; schedule->next(block); block = Block{}) {
      if (block.step == 0 || block.layer < 0) continue;
      ++decode_layers;
      std::int64_t elements = 0, softmaxes = 0;
      for (const Task& t : block.tasks) {
        if (t.vector.kind != VectorKind::softmax) continue;
        elements += t.vector.elements;
        ++softmaxes;
      }
      EXPECT_EQ(elements, 3 * m.query_heads * (40 + block.step)) << share << ", step " << block.step;
      EXPECT_GE(softmaxes, 2) << "a stream of heads in banks, and the NPU's";
    }
    EXPECT_GT(decode_layers, 0);
  }
}

/// Two changes of a row, of tRP + 2 tRCD + CL + CWL = 15 + 30 + 17 + 9 cycles of 800 MHz each, take 177.5 ns: the softmax of 30293
/// elements, of 6 operations, in 1024 lanes at 1 GHz. A turn of 6 channels has 16 heads each, of 4 queries over 41 tokens: 15744.
TEST(HeadStreams, turns_go_together_until_their_softmax_takes_two_changes_of_a_row) {
  const Dataflow dataflow =
      decode_dataflow(parse_yaml("schema: bondsim.dataflow/1\nname: given\nattention_overlap: true\noperators:\n"
                                 "  - {names: [qk, sv], executor: nmp, nmp_channels: all, normal_channels: false}\n"
                                 "  - {names: [all], executor: npu, nmp_channels: all, normal_channels: true}\n",
                                 "given.yaml"));
  Model m = testing::model("llama-3-8b");
  m.layers = 1;
  const auto schedule = make_schedule(testing::h2llm_system(), m, testing::lengths(48, 40, 1), dataflow);
  std::vector<std::int64_t> elements;
  for (Block block; schedule->next(block); block = Block{}) {
    for (const Task& t : block.tasks) {
      if (block.step > 0 && t.vector.kind == VectorKind::softmax) elements.push_back(t.vector.elements);
    }
  }
  EXPECT_EQ(elements, (std::vector<std::int64_t>{2 * 15744, 2 * 15744})) << "48 requests of 8 heads, in 4 turns of 96";
}

}  // namespace
}  // namespace bondsim
