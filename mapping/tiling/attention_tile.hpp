#pragma once
#include <cstdint>
#include <vector>

#include "mapping/tiling/split.hpp"
#include "models/schedule/schedule.hpp"
#include "models/system/system.hpp"

namespace bondsim {

/// Attention of prefill on the NPU: `heads` KV heads of one context, each with scores [m, context]. With a window a row has only the scores
/// of its own columns: those before it within the window, itself included.
struct AttentionProblem {
  std::int64_t heads = 0;
  std::int64_t m = 0;      ///< query rows of a KV head, token by token
  std::int64_t group = 1;  ///< of them, rows of a token; the last token is that of the last column
  std::int64_t context = 0;
  std::int64_t head_dim = 0;
  std::int64_t value_dim = 0;         ///< width of a head of V; 0: head_dim
  bool values_in_keys = false;        ///< V is a part of K: it is there once K is
  std::int64_t window = 0;            ///< tokens a token attends to, itself included; 0: a row has all columns, whatever a mask would zero
  bool chunked = false;               ///< only those of its own chunk of `window` tokens
  std::int64_t first_column = 0;      ///< position of column 0 in its request
  OperandBits bits;                   ///< activation: scores; stationary: K and V; accumulator: sums of values
  int channels_per_head = 1;          ///< that hold the K or V of a head
  std::int64_t activation_bytes = 0;  ///< scratchpad for scores and sums
  std::int64_t stationary_bytes = 0;  ///< scratchpad for K and V

  std::int64_t values_dim() const { return value_dim > 0 ? value_dim : head_dim; }
  /// Elements of K and V of a token.
  std::int64_t stored_dim() const { return head_dim + (values_in_keys ? 0 : values_dim()); }
  /// Columns that any of the rows has.
  Range columns_of(const Range& rows) const;
};

/// Scores of a KV head that its rows have, row by row: m * context without a window.
std::int64_t scores_of_head(const AttentionProblem& problem);

/// A tile of attention: scores [rows, columns] of `heads` heads. Tiles go head group by head group, rows by rows, column by column; with
/// several tiles of columns softmax runs on: its maximum and sum are kept a row, and what has been summed is rescaled (Milakov and
/// Gimelshein, arXiv 1805.02867; Dao et al., FlashAttention, arXiv 2205.14135).
struct AttentionTile {
  std::int64_t heads = 1;
  std::int64_t rows = 1;
  std::int64_t columns = 1;
  bool keeps_stationary = false;  ///< K and V of a head group are loaded once, with a window as it moves on; else those of a tile for each
};

/// Scores [rows, columns] of a head group that are computed by tiles of equal columns, the last one narrower.
struct AttentionStrip {
  Range rows;
  Range columns;
};
/// The rows of a head group in the tile's pieces, each with the columns that any of them has; chunks that are
/// longer begin strips of their own.
std::vector<AttentionStrip> attention_strips(const AttentionProblem& problem, const AttentionTile& tile);

/// Rows of a windowed prefill that take their columns together where attention goes operator by operator: the fastest, when the arrays work
/// beside the stream of K and V that each strip reads anew.
std::int64_t strip_rows(const System& system, const AttentionProblem& problem);
/// Their time with so many rows; without a window, that of all rows at once.
double strips_seconds(const System& system, const AttentionProblem& problem, std::int64_t rows);

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
