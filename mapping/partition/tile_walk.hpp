#pragma once
#include <cstdint>

#include "mapping/partition/port_stream.hpp"
#include "models/nmp/tile_loop.hpp"

namespace bondsim {

/// Bytes of the fullest bank, in whole accesses.
struct OperandBytes {
  std::int64_t input = 0;
  std::int64_t stationary = 0;
  std::int64_t output = 0;
  std::int64_t partials = 0;
};

constexpr std::int64_t no_stall_limit = INT64_MAX;
constexpr std::int64_t stalled = INT64_MAX;

/// Takes an nmp_gemm step by step as the NMP controller does (the same loop nest, the same buffers), with the transfers of a bank timed by
/// `port`. Nothing is looked at but the fullest bank: the PEs run in lockstep.
/// @param start when the channel is in NMP mode, on the time scale of `port` and of the PEs' clock, which has an edge at 0
/// @param stall_limit picoseconds after which PEs that have not computed make the walk end with `stalled`
/// @return when the last transfer has ended
std::int64_t walk_tiles(TileLoop loop, const OperandBytes& bytes, const NmpConfig& nmp, PortStream& port, std::int64_t start,
                        std::int64_t stall_limit = no_stall_limit);

}  // namespace bondsim
