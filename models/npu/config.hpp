#pragma once
#include <vector>

#include "models/base/fields.hpp"
#include "models/base/multiply.hpp"
#include "models/schedule/vector_costs.hpp"

namespace bondsim {

/// The operand that stays in the arrays while others stream by: a tile of weights (or K, V), or a tile of sums.
enum class SystolicDataflow { weight_stationary, output_stationary };
template <>
inline constexpr EnumEntry<SystolicDataflow> enum_names<SystolicDataflow>[] = {{"weight_stationary", SystolicDataflow::weight_stationary},
                                                                               {"output_stationary", SystolicDataflow::output_stationary}};

/// Tiles of a GEMM that follow one another on an array: the next one's operand shifts in under the present one, or each has the array to
/// itself from its first operand in to its last sum out.
enum class FoldOverlap { overlapped, serial };
template <>
inline constexpr EnumEntry<FoldOverlap> enum_names<FoldOverlap>[] = {{"overlapped", FoldOverlap::overlapped},
                                                                     {"serial", FoldOverlap::serial}};

/// The central processor: systolic arrays, vector units, and a scratchpad that a DMA fills from the channels.
struct NpuConfig {
  int arrays = 0;             ///< systolic arrays
  int array_rows = 0;         ///< K of a weight-stationary tile, M of an output-stationary one
  int array_columns = 0;      ///< N of a tile
  int clock_mhz = 0;          ///< of arrays and vector units
  int vector_units = 0;       ///< each works on one task at a time
  int vector_lanes = 0;       ///< operations a cycle of a unit
  double scratchpad_mib = 0;  ///< activations, and two chunks of every channel's stream
  double dma_chunk_kib = 512;
  SystolicDataflow dataflow = SystolicDataflow::weight_stationary;
  FoldOverlap fold_overlap = FoldOverlap::overlapped;
  bool fused_attention = true;            ///< prefill's attention tile by tile
  std::int64_t prefill_block_tokens = 0;  ///< tokens of prefill that pass through a layer together; 0: the mapper chooses
  bool prefetch = false;                  ///< weights of prefill come ahead, into what activations leave of the scratchpad
  VectorCosts vector_costs;
  std::vector<MultiplyConfig> formats;  ///< besides FP16

  /// Peak in MACs a second.
  double peak_macs() const { return static_cast<double>(arrays) * array_rows * array_columns * clock_mhz * 1e6; }
};
template <class Visitor>
void fields(Visitor& v, NpuConfig& c) {
  v.field("arrays", c.arrays, required("systolic arrays").range(1, 4096));
  v.field("array_rows", c.array_rows, required("rows of an array (K; output stationary: M)").range(1, 4096));
  v.field("array_columns", c.array_columns, required("columns (N) of an array").range(1, 4096));
  v.field("clock_mhz", c.clock_mhz, required("clock of arrays and vector units").range(1, 10000).in("MHz"));
  v.field("vector_units", c.vector_units, required("vector units").range(1, 4096));
  v.field("vector_lanes", c.vector_lanes, required("lanes of a vector unit").range(1, 65536));
  v.field("scratchpad_mib", c.scratchpad_mib, required("on-chip SRAM").range(0.0625, 65536).in("MiB"));
  v.field("dma_chunk_kib", c.dma_chunk_kib,
          defaulted("stationary bytes fetched from one channel before compute on them may start").range(1, 1 << 20).in("KiB"));
  v.field(
      "dataflow", c.dataflow,
      defaulted("what stays in the arrays: a tile of the stationary operand, activations streaming by, or a tile of sums, both operands "
                "streaming by"));
  v.field("fold_overlap", c.fold_overlap,
          defaulted("tiles of a GEMM on an array: the next one shifts in under the present one, or serial, one after the other"));
  v.field("fused_attention", c.fused_attention,
          defaulted("attention of prefill goes tile by tile with a running softmax, scores, softmax and values of different tiles side by "
                    "side, instead of operator by operator"));
  v.field(
      "prefill_block_tokens", c.prefill_block_tokens,
      defaulted("prompt tokens of a batch that pass through a layer together, block after block; 0: as many as the mapper finds fastest "
                "(weights are read again for each block, activations that the scratchpad does not hold are spilled)")
          .range(0, 1 << 24)
          .in("token"));
  v.field(
      "prefetch", c.prefetch,
      defaulted("weights of prefill are fetched ahead of their GEMMs, across operators, into what activations leave of the scratchpad"));
  v.section("vector_costs", c.vector_costs, defaulted("vector operations an element of each kind of work takes"));
  v.sections("formats", c.formats, defaulted("pairs of numbers that the arrays multiply besides FP16, and how fast"));
}

}  // namespace bondsim
