#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mapping/dataflow/dataflow.hpp"
#include "mapping/layout/memory_map.hpp"
#include "mapping/llm/model.hpp"
#include "mapping/tiling/split.hpp"
#include "mapping/tiling/tiling.hpp"
#include "mapping/tiling/tiling_file.hpp"
#include "models/schedule/schedule.hpp"

namespace bondsim {

/// The part of a weight GEMM that one NMP channel holds and computes in decode. Extents carry offsets inside their space.
struct WeightShare {
  int channel = 0;
  Range k;  ///< rows of the weights, columns of the input
  Range n;  ///< columns of the weights and of the output
  NmpTiling tiling;
  std::vector<Extent> stationary;  ///< in the operator's space
  std::int64_t input = 0;          ///< offset in the shared space; the same region for operators that read the same input
  std::int64_t output = 0;         ///< offset in the shared space
  std::int64_t partials = 0;       ///< likewise; of use when the tiling spills partial sums
  bool spills() const { return tiling.order == LoopOrder::input_stationary && tiling.k_tile < k.size(); }
};

/// The two ways of cutting a group of GEMMs, each with a serial estimate of scatter, compute, load and reduction.
struct SplitReport {
  GridSplit closed_form;
  double closed_form_us = 0;
  GridSplit searched;
  double searched_us = 0;
};

/// Where the weights of one GEMM lie.
struct WeightPlacement {
  Operator op;
  Space space = Space::layer;
  OperandBits bits;
  std::int64_t m = 0;  ///< rows of the input in decode: the batch
  GridSplit split;     ///< over the NMP channels
  SplitReport report;
  std::int64_t n_nmp = 0;           ///< columns computed by the PEs
  std::vector<WeightShare> shares;  ///< one an NMP channel, in channel order; empty when the NPU computes everything
  std::vector<Extent> npu;          ///< weights that only the NPU reads
  double copied = 0;                ///< part of the shares' columns, the last in each bank, of which `copies` holds a copy
  std::vector<Extent> copies;       ///< on normal channels, for prefill

  std::int64_t n_npu() const { return op.n - n_nmp; }
};

/// Weights as the NPU reads them in prefill: the shares without what copies hold, the copies, and the NPU's own.
std::vector<Extent> prefill_weights(const WeightPlacement& w, const MemoryMap& memory);

/// Input and output of a share for `m` rows, at most the placement's; offsets in the shared space.
std::vector<Extent> share_input(const WeightPlacement& w, const WeightShare& share, std::int64_t m, const MemoryMap& memory);
std::vector<Extent> share_output(const WeightPlacement& w, const WeightShare& share, std::int64_t m, const MemoryMap& memory);

/// Room for the accumulators of a share between k tiles; nothing when its tiling does not spill them.
std::vector<Extent> share_partials(const WeightPlacement& w, const WeightShare& share, std::int64_t m, const MemoryMap& memory);

/// Elements of K a channel's part is a multiple of, where K allows: what an FPU takes in a cycle.
std::int64_t weight_k_granule(const System& system);

/// The problem of tiling a share of a weight GEMM, [m, k] x [k, n], on all PEs of `channel`.
TilingProblem weight_tiling_problem(const System& system, int channel, const OperandBits& bits, std::int64_t m, std::int64_t k,
                                    std::int64_t n);

/// Operators that read the same input and run on the same NMP channels: they share the cut of K, so the input is scattered once.
struct WeightGroup {
  std::vector<const Operator*> operators;
  Binding binding;
  Space space = Space::layer;
};

/// Inputs of the planners.
struct PlanContext {
  const System& system;
  const Model& model;
  SplitPolicy split = SplitPolicy::closed_form;
  std::int64_t decode_tokens = 1;           ///< rows of a weight GEMM's input in decode
  const TilingOverrides* tiling = nullptr;  ///< tilings given by the user
  double prefill_copies = 0;                ///< part of the columns on NMP channels that normal channels hold too
};

/// Chooses the cut and the tiles and reserves the memory of a group.
/// @throws InfeasibleError when the buffers cannot hold the smallest tile, or the one given for an operator.
std::vector<WeightPlacement> place_weights(const PlanContext& context, const WeightGroup& group, MemoryMap& memory);

}  // namespace bondsim
