#include "mapping/layout/scratchpad.hpp"

#include <gtest/gtest.h>

#include "tests/support/mapping_setup.hpp"

namespace bondsim {
namespace {

/// Bytes of one row in every bank: 8 channels, 16 banks, 2 KiB.
constexpr std::int64_t row_bytes = 2048, rows = row_bytes * 8 * 16;

OperatorId add(OperatorGraph& graph, OperatorKind kind, const std::vector<OperatorId>& inputs) {
  Operator op;
  op.kind = kind;
  return graph.add(op, inputs);
}
OperatorId gemm(OperatorGraph& graph, const std::vector<OperatorId>& inputs) { return add(graph, OperatorKind::weight_gemm, inputs); }

/// Three outputs that one GEMM needs, and a GEMM behind that.
OperatorGraph three_into_one() {
  OperatorGraph graph;
  const OperatorId a = gemm(graph, {}), b = gemm(graph, {}), c = gemm(graph, {});
  gemm(graph, {gemm(graph, {a, b, c})});
  return graph;
}

std::vector<std::int64_t> places(const std::vector<Spill>& spills) {
  std::vector<std::int64_t> out;
  for (const Spill& s : spills) out.push_back(s.bank_offset / row_bytes);
  return out;
}

/// Nothing stays in the scratchpad. The last output may lie over the first three, four rows, but not over its own input, the fifth.
TEST(ScratchpadSpills, lie_apart_as_long_as_they_are_needed_and_then_give_up_their_places) {
  const MemoryMap memory(testing::h2llm_system(), 1);
  const OperatorGraph graph = three_into_one();
  const auto fits = scratchpad_spills(graph, {rows, 2 * rows, rows, rows, 4 * rows}, 0, memory);
  EXPECT_EQ(places(fits), (std::vector<std::int64_t>{0, 1, 3, 4, 0}));
  EXPECT_EQ(spill_bank_bytes(fits, memory), 5 * row_bytes);
  const auto beyond = scratchpad_spills(graph, {rows, 2 * rows, rows, rows, 4 * rows + 1}, 0, memory);
  EXPECT_EQ(places(beyond), (std::vector<std::int64_t>{0, 1, 3, 4, 5}));
  EXPECT_EQ(spill_bank_bytes(beyond, memory), 10 * row_bytes) << "a byte more is a row more";
}

/// 150 bytes: all of the first output and half of the second, then nothing until both have been used.
TEST(ScratchpadSpills, an_output_has_the_bytes_that_those_still_needed_leave) {
  const MemoryMap memory(testing::h2llm_system(), 1);
  OperatorGraph graph;
  const OperatorId a = gemm(graph, {}), b = gemm(graph, {});
  gemm(graph, {gemm(graph, {a, b})});
  std::int64_t most = 0;
  const auto spills = scratchpad_spills(graph, {100, 100, 100, 120}, 150, memory, &most);
  EXPECT_EQ(spills[0].bytes, 0);
  EXPECT_EQ(spills[1].bytes, 50);
  EXPECT_EQ(spills[2].bytes, 100);
  EXPECT_EQ(spills[3].bytes, 0);
  EXPECT_EQ(most, 150);
}

TEST(ScratchpadSpills, vector_work_takes_the_place_of_an_input_that_nobody_else_needs) {
  const MemoryMap memory(testing::h2llm_system(), 1);
  OperatorGraph graph;
  const OperatorId a = gemm(graph, {}), b = gemm(graph, {});
  const OperatorId in_place = add(graph, OperatorKind::vector, {b});
  gemm(graph, {a, in_place});
  const auto spills = scratchpad_spills(graph, {rows, rows + 100, rows + 100, 0}, 100, memory);
  EXPECT_EQ(spills[in_place].bytes, spills[b].bytes);
  EXPECT_EQ(spills[in_place].bank_offset, spills[b].bank_offset);
  EXPECT_EQ(spills[b].bank_offset, row_bytes) << "behind the first";
}

}  // namespace
}  // namespace bondsim
