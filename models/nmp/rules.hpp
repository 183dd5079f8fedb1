#pragma once
#include <cstdint>

#include "models/nmp/config.hpp"
#include "models/schedule/schedule.hpp"

namespace bondsim {

/// Bits read and written in the SRAM of a channel for one nmp_gemm: weights into the PEs' buffers once and out once a row of activations
/// (in-die PEs have no weight buffer);
/// inputs into the global buffer once a load (all of K once, or once an n tile) and out once a group of `fpus` columns; accumulators
/// in and out once a group of `macs_per_fpu` elements of K.
std::int64_t pe_sram_bits(const NmpGemm& gemm, const NmpConfig& nmp);

/// Bits in and out of the channel's input buffer for element-wise work: operands and results, each written once and read once.
std::int64_t vector_buffer_bits(const NmpGemm& operands);

}  // namespace bondsim
