#pragma once
#include <cstdint>

#include "mapping/tiling/port_stream.hpp"
#include "models/nmp/tile_loop.hpp"

namespace bondsim {

/// Bytes of the fullest bank, in whole accesses.
struct OperandBytes {
  std::int64_t input = 0;
  std::int64_t stationary = 0;
  std::int64_t output = 0;
  std::int64_t partials = 0;
};

/// Limit of a walk: it is given up as soon as the rest at its best ends later than `end`.
struct WalkLimit {
  std::int64_t end = INT64_MAX;
  std::int64_t computation = 0;  ///< of the whole, without a stall
  std::int64_t stream = 0;       ///< of all weights through the port at best
};
constexpr std::int64_t over_limit = INT64_MAX;

/// Takes an nmp_gemm step by step as the NMP controller does (the same loop nest, the same buffers), with the transfers of a bank timed by
/// `port`. Nothing is looked at but the fullest bank: the PEs run in lockstep.
/// @param start when the channel is in NMP mode, on the time scale of `port` and of the PEs' clock, which has an edge at 0
/// @return when the last transfer has ended; `over_limit` when that is after `limit`
std::int64_t walk_tiles(TileLoop loop, const OperandBytes& bytes, const NmpConfig& nmp, PortStream& port, std::int64_t start,
                        const WalkLimit& limit = {});

}  // namespace bondsim
