#include "models/npu/rules.hpp"

#include <algorithm>
#include <cmath>

#include "models/base/error.hpp"
#include "models/base/quantity.hpp"

namespace bondsim {

std::int64_t systolic_cycles(const GemmShape& shape, const NpuConfig& npu, double rate) {
  const bool weights_stay = npu.dataflow == SystolicDataflow::weight_stationary;
  const std::int64_t depth = rate == 1 ? shape.k : static_cast<std::int64_t>(std::ceil(static_cast<double>(shape.k) / rate));
  const std::int64_t streamed = weights_stay ? shape.m : depth;
  const std::int64_t held = weights_stay ? depth : shape.m;
  const std::int64_t tiles =
      shape.count * ceil_div<std::int64_t>(held, npu.array_rows) * ceil_div<std::int64_t>(shape.n, npu.array_columns);
  if (tiles == 0 || streamed == 0) return 0;
  const std::int64_t rounds = ceil_div<std::int64_t>(tiles, npu.arrays);
  const std::int64_t alone = streamed + 2 * npu.array_rows + npu.array_columns - 2;
  if (npu.fold_overlap == FoldOverlap::serial) return rounds * alone;
  const std::int64_t occupied = std::max<std::int64_t>(streamed, npu.array_rows);
  // Shifting in the first tile's weights, or out the last tile's sums; and the way through the array.
  return (rounds - 1) * occupied + alone;
}

std::int64_t converted_elements(const GemmShape& shape, const OperandBits& bits, const NpuConfig& npu) {
  if (known_multiplication(npu.formats, bits.activation, bits.stationary).conversion == Conversion::native) return 0;
  const bool weights_stay = npu.dataflow == SystolicDataflow::weight_stationary;
  return shape.count * shape.k * shape.n * (weights_stay ? 1 : ceil_div<std::int64_t>(shape.m, npu.array_rows));
}

std::int64_t conversion_operations(const GemmShape& shape, const OperandBits& bits, const NpuConfig& npu) {
  const Multiplication how = known_multiplication(npu.formats, bits.activation, bits.stationary);
  if (how.conversion != Conversion::vector_units) return 0;
  return static_cast<std::int64_t>(std::ceil(static_cast<double>(converted_elements(shape, bits, npu)) * npu.vector_costs.conversion));
}

std::int64_t gemm_cycles(const GemmShape& shape, const OperandBits& bits, const NpuConfig& npu) {
  const Multiplication how = known_multiplication(npu.formats, bits.activation, bits.stationary);
  const std::int64_t arrays = systolic_cycles(shape, npu, how.rate);
  if (how.conversion != Conversion::vector_units) return arrays;
  return std::max(arrays, vector_cycles(conversion_operations(shape, bits, npu), 0, npu));
}

std::int64_t vector_operations(const VectorWork& work, const NpuConfig& npu) { return vector_operations(work, npu.vector_costs); }

std::int64_t vector_cycles(std::int64_t operations, int units, const NpuConfig& npu) {
  return ceil_div<std::int64_t>(operations, static_cast<std::int64_t>(units > 0 ? units : npu.vector_units) * npu.vector_lanes);
}

std::int64_t gemm_scratchpad_bits(const GemmShape& shape, const OperandBits& bits, const NpuConfig& npu) {
  const bool weights_stay = npu.dataflow == SystolicDataflow::weight_stationary;
  const std::int64_t passes = weights_stay ? 1 : ceil_div<std::int64_t>(shape.m, npu.array_rows);
  const std::int64_t stationary = (1 + passes) * shape.k * shape.n * bits.stationary;
  const std::int64_t activations = shape.m * shape.k * ceil_div<std::int64_t>(shape.n, npu.array_columns) * bits.activation;
  const std::int64_t moves = weights_stay ? 2 * ceil_div<std::int64_t>(shape.k, npu.array_rows) : 1;
  const std::int64_t accumulators = shape.m * shape.n * moves * bits.accumulator;
  return shape.count * (stationary + activations + accumulators);
}

std::int64_t vector_scratchpad_bits(const VectorWork& work) { return work.elements * 2 * 16; }

}  // namespace bondsim
