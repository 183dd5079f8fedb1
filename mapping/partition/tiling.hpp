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
};

/// Buffer use of a tiling in bytes.
struct TilingFootprint {
  std::int64_t weight_bytes = 0;  ///< one weight tile
  std::int64_t input_bytes = 0;   ///< the input tiles of all GEMMs of the channel
  std::int64_t output_bytes = 0;  ///< accumulators of one PE
};
TilingFootprint footprint(const TilingProblem& problem, const NmpTiling& tiling);

/// True when the tiles fit: a weight tile in half the weight buffer (all of it when loads do not overlap compute), the accumulators in the
/// output buffer, the input tile in the channel's global buffer.
bool fits(const NmpConfig& nmp, const TilingProblem& problem, const NmpTiling& tiling);

/// True when the whole input fits the global buffer, so that it is loaded once whatever the tiles are.
bool input_resident(const NmpConfig& nmp, const TilingProblem& problem);

/// Closing the weights' row, opening another tensor's and coming back.
double row_change_ps(const DramConfig& dram);

/// Time of the share in PE-side picoseconds, by a closed form: tiles of compute and of weight loading overlap when the weight buffer is
/// double; input loads and output stores do not, and each of them changes rows.
double tiling_cost_ps(const NmpConfig& nmp, const TilingProblem& problem, const NmpTiling& tiling);

/// A legal tiling: of those within 1 % of the cheapest the one with the fewest tiles, as every tile is a command; nothing when no tile fits
/// (m accumulators of one column are more than the output buffer holds).
std::optional<NmpTiling> choose_tiling(const NmpConfig& nmp, const TilingProblem& problem);

}  // namespace bondsim
