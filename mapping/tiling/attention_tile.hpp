#pragma once
#include <cstdint>

#include "models/schedule/schedule.hpp"
#include "models/system/system.hpp"

namespace bondsim {

/// Attention of prefill on the NPU: `heads` KV heads of one context, each with scores [m, context].
struct AttentionProblem {
  std::int64_t heads = 0;
  std::int64_t m = 0;  ///< query rows of a KV head
  std::int64_t context = 0;
  std::int64_t head_dim = 0;
  OperandBits bits;                   ///< activation: scores; stationary: K and V; accumulator: sums of values
  int channels_per_head = 1;          ///< that hold the K or V of a head
  std::int64_t activation_bytes = 0;  ///< scratchpad for scores and sums
  std::int64_t stationary_bytes = 0;  ///< scratchpad for K and V
};

/// A tile of attention: scores [rows, columns] of `heads` heads. Tiles go head group by head group, rows by rows, column by column; with
/// several tiles of columns softmax runs on: its maximum and sum are kept a row, and what has been summed is rescaled (Milakov and
/// Gimelshein, arXiv 1805.02867; Dao et al., FlashAttention, arXiv 2205.14135).
struct AttentionTile {
  std::int64_t heads = 1;
  std::int64_t rows = 1;
  std::int64_t columns = 1;
  bool keeps_stationary = false;  ///< K and V of a head group are loaded once; else those of a tile for each tile
};

/// Scratchpad bytes of scores (two tiles, so that arrays and vector units work side by side) and, with several tiles of columns, of sums.
std::int64_t score_bytes(const AttentionProblem& problem, const AttentionTile& tile);
/// Scratchpad bytes of K and V: those in use and the next.
std::int64_t stationary_bytes(const AttentionProblem& problem, const AttentionTile& tile);
/// Columns whose K and V are loaded at once: those of as many tiles as there is room for.
std::int64_t columns_loaded(const AttentionProblem& problem, const AttentionTile& tile);
/// Time when arrays, vector units and loads each work without a pause on tiles of equal size, and one tile's way through all three.
double attention_seconds(const System& system, const AttentionProblem& problem, const AttentionTile& tile);

/// The fastest tile that fits, or a larger one that is within 0.2 % of it. When none fits, a row of arrays' rows and columns of one head,
/// whose excess is for the caller to spill.
AttentionTile choose_attention_tile(const System& system, const AttentionProblem& problem);

}  // namespace bondsim
