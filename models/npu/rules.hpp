#pragma once
#include <cstdint>

#include "models/npu/config.hpp"
#include "models/schedule/schedule.hpp"

namespace bondsim {

/// Cycles of GEMMs on the systolic arrays; tiles of all `count` GEMMs are dealt to the arrays in turn.
///
/// Weight stationary: the stationary operand is cut into tiles of array_rows (K) x array_columns (N). On an array a tile occupies
/// max(m, array_rows) cycles: m rows of activations stream through while the next tile's weights shift in (array_rows cycles). The first
/// tile's weights are not hidden (array_rows cycles), nor is the way of the last row through the array (array_rows + array_columns - 2).
///
/// Output stationary: the output is cut into tiles of array_rows (M) x array_columns (N). A tile occupies max(k, array_rows) cycles: k
/// elements of both operands stream through while the sums of the tile before shift out down the columns (array_rows cycles). The way of
/// the last operands through the array (array_rows + array_columns - 2) and the shifting out of the last tile (array_rows) are not hidden.
///
/// With `fold_overlap: serial` each tile has its array to itself, m (k) + 2 array_rows + array_columns - 2 cycles: the folds of SCALE-Sim.
///
/// @param rate MACs a cell does a cycle, along K
std::int64_t systolic_cycles(const GemmShape& shape, const NpuConfig& npu, double rate = 1);

/// Cycles of a GEMM as its numbers are multiplied: on the arrays at their rate, or, where those take longer, on the vector units that
/// convert the stationary operand for them.
std::int64_t gemm_cycles(const GemmShape& shape, const OperandBits& bits, const NpuConfig& npu);

/// Stationary elements that are converted before the arrays take them: each as often as it enters them; 0 where the numbers are multiplied
/// as they are.
std::int64_t converted_elements(const GemmShape& shape, const OperandBits& bits, const NpuConfig& npu);

/// Vector operations of so many conversions: 0 where a stage of the arrays does them.
std::int64_t conversion_operations(const GemmShape& shape, const OperandBits& bits, const NpuConfig& npu);

/// Vector operations of a piece of vector work, rounded up; 0 when the kind costs nothing.
std::int64_t vector_operations(const VectorWork& work, const NpuConfig& npu);

/// Cycles of so many operations when the lanes of `units` vector units (0: all) share them evenly.
std::int64_t vector_cycles(std::int64_t operations, int units, const NpuConfig& npu);

/// Scratchpad bits read and written by a GEMM. Weight stationary: the stationary operand once in and once out, activations once a column
/// tile, accumulators in and out once a row tile. Output stationary: the stationary operand once in and once out a row tile, activations
/// once a column tile, sums out once.
std::int64_t gemm_scratchpad_bits(const GemmShape& shape, const OperandBits& bits, const NpuConfig& npu);

/// Scratchpad bits of vector work: every FP16 element once in, once out.
std::int64_t vector_scratchpad_bits(const VectorWork& work);

}  // namespace bondsim
