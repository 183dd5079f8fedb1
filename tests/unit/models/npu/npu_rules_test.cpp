#include "models/npu/rules.hpp"

#include <gtest/gtest.h>

namespace bondsim {
namespace {

NpuConfig npu() {
  NpuConfig c;
  c.arrays = 8;
  c.array_rows = 128;
  c.array_columns = 128;
  c.clock_mhz = 1000;
  c.vector_units = 8;
  c.vector_lanes = 128;
  return c;
}

TEST(NpuRules, one_tile_takes_fill_stream_and_drain) {
  // 128 cycles of weights, 256 rows of activations, 254 cycles for the last row to leave.
  EXPECT_EQ(systolic_cycles({1, 256, 128, 128}, npu()), 128 + 256 + 254);
}

TEST(NpuRules, tiles_are_dealt_to_all_arrays) {
  EXPECT_EQ(systolic_cycles({1, 256, 1024, 128}, npu()), 128 + 256 + 254);
  EXPECT_EQ(systolic_cycles({1, 256, 1025, 128}, npu()), 128 + 2 * 256 + 254);
  EXPECT_EQ(systolic_cycles({8, 256, 128, 128}, npu()), 128 + 256 + 254);
}

TEST(NpuRules, a_single_row_waits_for_the_weights_of_the_next_tile) {
  EXPECT_EQ(systolic_cycles({1, 1, 1024, 256}, npu()), 128 + 128 + 1 + 254);
}

TEST(NpuRules, never_above_the_peak) {
  for (std::int64_t m : {1, 100, 783, 5000}) {
    const GemmShape s{1, m, 4096, 4096};
    EXPECT_GE(static_cast<double>(systolic_cycles(s, npu())), static_cast<double>(s.macs()) / (8 * 128 * 128));
  }
}

TEST(NpuRules, vector_work_is_spread_over_all_lanes) {
  EXPECT_EQ(vector_operations({VectorKind::softmax, 1000}, npu()), 6000);
  EXPECT_EQ(vector_cycles(6000, 0, npu()), 6);
  EXPECT_EQ(vector_cycles(6000, 2, npu()), 24);
  EXPECT_EQ(vector_cycles(0, 0, npu()), 0);
}

/// Quantised weights are made the activations' number where they enter the array: once when they stay in it, with each tile of rows when
/// the sums do.
TEST(NpuRules, weights_are_converted_each_time_they_enter) {
  NpuConfig npu;
  npu.array_rows = 16;
  OperandBits bits;
  bits.activation.number = Number::fp16;
  bits.stationary = Element(4);
  bits.stationary.number = Number::int4;
  const GemmShape shape{2, 40, 8, 32};
  npu.dataflow = SystolicDataflow::weight_stationary;
  EXPECT_EQ(converted_elements(shape, bits, npu), 2 * 8 * 32);
  npu.dataflow = SystolicDataflow::output_stationary;
  EXPECT_EQ(converted_elements(shape, bits, npu), 3 * 2 * 8 * 32) << "40 rows are three tiles of 16";
  bits.stationary = bits.activation;
  EXPECT_EQ(converted_elements(shape, bits, npu), 0);
}

}  // namespace
}  // namespace bondsim
