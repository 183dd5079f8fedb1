#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "mapping/tiling/port_stream.hpp"
#include "models/nmp/config.hpp"
#include "models/schedule/schedule.hpp"
#include "models/system/system.hpp"

namespace bondsim {

/// Share of a channel to be tiled: `count` GEMMs [m, k] x [k, n] side by side, as the fullest PE sees one of them.
struct TilingProblem {
  std::int64_t count = 1;
  std::int64_t m = 0;
  std::int64_t k = 0;
  std::int64_t n = 0;  ///< columns of the fullest PE
  OperandBits bits;
  PortTiming port;           ///< of a bank
  int banks = 0;             ///< PEs of the channel
  std::int64_t fixed_n = 0;  ///< 0: free; else the only n tile allowed, because the operand's layout demands it
  std::int64_t fixed_k = 0;  ///< likewise for the k tile
  bool may_spill = false;    ///< partial sums have a region to be spilled to: input stationary may be chosen
};

/// The problem of a channel's share: GEMMs of `shape` side by side, each on `pes_per_gemm` PEs.
TilingProblem tiling_problem(const System& system, int channel, const GemmShape& shape, std::int64_t pes_per_gemm, const OperandBits& bits);

/// Buffer use of a tiling in bytes.
struct TilingFootprint {
  std::int64_t weight_bytes = 0;  ///< macs_per_fpu rows of K of a weight tile's columns, which must be in the buffer at once
  std::int64_t input_bytes = 0;   ///< the input tiles of all GEMMs of the channel
  std::int64_t output_bytes = 0;  ///< accumulators of one PE
};
TilingFootprint footprint(const NmpConfig& nmp, const TilingProblem& problem, const NmpTiling& tiling);

/// True when the tiles fit: a few rows of the weight tile in half the weight buffer (all of it when loads do not overlap compute; the PE
/// works through the tile in pieces, TileLoop::piece_rows), the accumulators in the output buffer, the input tile in the channel's
/// global buffer.
bool fits(const NmpConfig& nmp, const TilingProblem& problem, const NmpTiling& tiling);

/// True when the whole input fits the global buffer, so that it is loaded once whatever the tiles are.
bool input_resident(const NmpConfig& nmp, const TilingProblem& problem);

/// Time of the share in picoseconds from NMP mode on, refreshed after each tREFI from then: the controller's steps walked through
/// (tile_walk.hpp). @pre fits()
double tiling_cost_ps(const NmpConfig& nmp, const TilingProblem& problem, const NmpTiling& tiling);

/// No tiling like this takes less: the PEs' cycles and the bytes through the port, each with what it cannot hide behind the other.
double tiling_bound_ps(const NmpConfig& nmp, const TilingProblem& problem, const NmpTiling& tiling);

/// No tiling at all takes less.
double share_bound_ps(const NmpConfig& nmp, const TilingProblem& problem);

/// The cheapest legal tiling of those tried; of those within 0.3 % the one with the fewest pieces, as every piece is a command. What is
/// tried with some buffers is tried with larger ones too. Nothing when no tile fits (m accumulators of one column are more than the output
/// buffer holds).
std::optional<NmpTiling> choose_tiling(const NmpConfig& nmp, const TilingProblem& problem);

/// Choices by problem: channels and cuts ask for the same shares again and again. For problems that differ only in shape, formats and fixed
/// tiles.
class TilingMemo {
 public:
  struct Choice {
    NmpTiling tiling;
    double cost_ps = 0;
  };
  /// As choose_tiling(), with its cost; null when nothing fits.
  const Choice* choose(const NmpConfig& nmp, const TilingProblem& problem);

 private:
  using Key = std::array<std::int64_t, 9>;
  std::map<Key, std::optional<Choice>> known_;
};

/// Relative gain of the share's time from one buffer twice as large, with its tiling chosen anew.
struct BufferGains {
  double weight = 0;
  double input = 0;
  double output = 0;
  /// `weight buffer (3.1 %), input buffer (1.2 %)` in falling order, those of at least 0.5 %; `no buffer` when there are none.
  std::string text() const;
};
/// @param cost_ps of the tiling in use
BufferGains buffer_gains(const NmpConfig& nmp, const TilingProblem& problem, double cost_ps);

}  // namespace bondsim
