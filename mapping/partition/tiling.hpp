#pragma once
#include <cstdint>
#include <optional>

#include "models/dram/config.hpp"
#include "models/nmp/config.hpp"
#include "models/schedule/schedule.hpp"

namespace bondsim {

/// What has to be tiled: `count` GEMMs side by side in a channel, as the fullest PE sees one of them.
struct TilingProblem {
  std::int64_t count = 1;
  std::int64_t m = 0;
  std::int64_t k = 0;
  std::int64_t n = 0;  ///< columns of the fullest PE
  OperandBits bits;
  double row_change_ps = 0;  ///< time a PE loses when its bank changes between weights and another tensor
  int banks = 0;             ///< PEs of the channel
  std::int64_t fixed_n = 0;  ///< 0: free; else the only n tile allowed, because the operand's layout demands it
  std::int64_t fixed_k = 0;  ///< likewise for the k tile
  bool may_spill = false;    ///< partial sums have a region to be spilled to: input stationary may be chosen
};

/// Buffer use of a tiling in bytes.
struct TilingFootprint {
  std::int64_t weight_bytes = 0;  ///< what of a weight tile must be in the buffer at once: macs_per_fpu rows of K of its columns
  std::int64_t input_bytes = 0;   ///< the input tiles of all GEMMs of the channel
  std::int64_t output_bytes = 0;  ///< accumulators of one PE
};
TilingFootprint footprint(const NmpConfig& nmp, const TilingProblem& problem, const NmpTiling& tiling);

/// True when the tiles fit: a few rows of the weight tile in half the weight buffer (all of it when loads do not overlap compute; the PE
/// works through the tile in pieces, TileProgram::piece_rows), the accumulators in the output buffer, the input tile in the channel's
/// global buffer.
bool fits(const NmpConfig& nmp, const TilingProblem& problem, const NmpTiling& tiling);

/// True when the whole input fits the global buffer, so that it is loaded once whatever the tiles are.
bool input_resident(const NmpConfig& nmp, const TilingProblem& problem);

/// Closing the weights' row, opening another tensor's and coming back.
double row_change_ps(const DramConfig& dram);

/// Time of the share in picoseconds, by a closed form. With double buffering the pieces of weights load while the PEs compute: the longer
/// of (all loads, then the last computation) and (the first load, then all computation); otherwise their sum. Input loads and output stores
/// add, and each of them changes rows.
double tiling_cost_ps(const NmpConfig& nmp, const TilingProblem& problem, const NmpTiling& tiling);

/// A legal tiling: of those within 1 % of the cheapest the one with the fewest pieces, as every piece is a command; nothing when no tile
/// fits (m accumulators of one column are more than the output buffer holds).
std::optional<NmpTiling> choose_tiling(const NmpConfig& nmp, const TilingProblem& problem);

}  // namespace bondsim
