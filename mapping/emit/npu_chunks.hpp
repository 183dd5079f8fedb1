#pragma once
#include <cstdint>
#include <vector>

#include "models/schedule/extent.hpp"
#include "models/system/system.hpp"

namespace bondsim {

/// Pieces in which the stationary operand of an npu_gemm streams in: `dma_chunk_kib` from the fullest channel. When buffers are idealised
/// (fidelity.finite_buffers off) the pieces are smaller, so that waiting for the first one hardly counts.
std::int32_t npu_chunks(const System& system, const std::vector<Extent>& stationary);

}  // namespace bondsim
