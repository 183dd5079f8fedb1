#pragma once
#include <cstdint>
#include <vector>

#include "mapping/llm/graph.hpp"
#include "mapping/plan/token_blocks.hpp"

namespace bondsim {

struct Plan;
struct System;
struct WeightPlacement;
class MemoryMap;

/// Bytes of an operator's weights, as prefill reads them, in the channel that holds most of them.
std::int64_t fullest_channel_bytes(const WeightPlacement& weights, const MemoryMap& memory);

/// Of a channel's bus, refreshes of all banks taken off.
double bus_bytes_a_second(const System& system);

/// Whether an operator's output goes through an activation alone: f1 and f3.
bool is_sliced(const OperatorGraph& graph, OperatorId v);

/// Estimate of a layer's time by block of tokens, to compare ways of taking a prefill: operator after operator, each the longest of arrays,
/// stream and vector units, and the bus for what is spilled. Not for more than comparing; mapping/cost/detailed times tasks.
class BlockTime {
 public:
  BlockTime(const Plan& plan, int layer);

  /// Of all weights through the bus once: no block takes less.
  double weights_seconds() const { return weights_; }
  /// @param rows of each operator's input, by vertex
  double seconds(const TokenBlock& block, const std::vector<std::int64_t>& rows) const;

 private:
  double compute(OperatorId v, std::int64_t rows, bool in_slices) const;
  /// Of a GEMM: the stream of its weights beside the arrays.
  double streamed(double stream, double arrays) const;
  double prefetched(const TokenBlock& block, const std::vector<std::int64_t>& rows) const;
  double vector(VectorKind kind, std::int64_t elements) const;
  /// @param loads added to: of K and V, and appends
  double attention(const Batch& batch, double& loads) const;
  double moved(std::int64_t bytes) const { return static_cast<double>(bytes) / (bytes_a_second_ * channels_); }

  const Plan& plan_;
  LayerClass class_;
  double bytes_a_second_ = 0;  ///< of a channel's bus, refreshes taken off
  double channels_ = 0;
  double weights_ = 0;
  std::vector<double> streams_;  ///< by vertex: seconds of the weights' stream; of an activation: of the weights sliced before it
  std::vector<std::int64_t> slice_columns_;  ///< by vertex: columns of a slice, of GEMMs that the layer has
  std::vector<bool> sliced_;                 ///< by vertex: goes by slices where the block's FFN does
};

}  // namespace bondsim
