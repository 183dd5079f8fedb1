#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mapping/layout/scratchpad.hpp"
#include "mapping/llm/batch.hpp"
#include "mapping/tiling/attention_tile.hpp"

namespace bondsim {

struct Plan;

/// Attention of prefill over one context: what has to be computed, and the tile; operator by operator its rows alone count, for windows.
struct TiledAttention {
  AttentionProblem problem;
  AttentionTile tile;
};
using TiledContexts = std::map<ContextRows, TiledAttention>;

/// The attention of a batch's prefill in a layer, by context; without tiles. @param scores the score_gemm of the layer graph
TiledContexts attention_problems(const Plan& plan, const Batch& batch, int layer, const Operator& scores);

/// Tokens of one phase that pass through a whole layer together, and where their activations are.
struct TokenBlock {
  Batch batch;
  std::map<std::string, TiledContexts> tiles;  ///< by score_gemm; empty: operator by operator, and no window
  std::vector<Spill> spills;                   ///< by vertex of the layer graph; empty when the scratchpad holds all activations
  Spill residual;                              ///< loaded before the layer and stored after it; no bytes: it stays in the scratchpad
  bool residual_streams = false;               ///< it has no place in the scratchpad: loaded again where it is added
  std::int64_t free_bytes = 0;                 ///< of the scratchpad, at any time
  bool sliced_ffn = false;                     ///< f1, f3 and the activation go by slices of columns, whose sums are not kept
};

/// A batch of one phase at once, as decode takes it. @param layer number of it; layers may differ
TokenBlock one_block(const Plan& plan, const Batch& batch, int layer);

/// Blocks of a prefill in their order: the entries of the batch, cut where a block is full (tokens, with a context that grows). Chosen by
/// an estimate of the layer's time: weights are read again by each block, activations beyond the scratchpad are spilled, and the residual
/// stream of the tokens that are not in the block stays or goes to DRAM. With `npu.prefill_block_tokens` blocks have so many tokens.
/// @throws InternalError when the spill regions, reserved for the plan's workload, hold no way of taking the batch
std::vector<TokenBlock> token_blocks(const Plan& plan, const Batch& batch, int layer);

/// Whether the block's weights come ahead: into free scratchpad, when that holds at least what the stream's chunks take.
bool prefetches(const Plan& plan, const TokenBlock& block);

/// Columns whose weights are a chunk of the stream: a slice of a sliced FFN, or what is fetched ahead at once.
std::int64_t slice_columns(const Plan& plan, const Operator& op);

/// Bytes of every bank that residual streams and spills of the blocks take; a layer's blocks follow one another.
std::int64_t spill_bank_bytes(const std::vector<TokenBlock>& blocks, const MemoryMap& memory);

}  // namespace bondsim
