#include "models/nmp/rules.hpp"

#include "models/base/quantity.hpp"
#include "models/nmp/tile_program.hpp"

namespace bondsim {

std::int64_t pe_sram_bits(const NmpGemm& gemm, const NmpConfig& nmp) {
  const GemmShape& s = gemm.shape;
  const std::int64_t columns = ceil_div<std::int64_t>(s.n, gemm.pes_per_product());
  const bool loaded_once = TileProgram(gemm, nmp).input_resident() || gemm.tiling.order == LoopOrder::input_stationary;
  const std::int64_t input_loads = loaded_once ? 1 : ceil_div(columns, gemm.tiling.n_tile);
  // In the DRAM die PEs take weights from the open row: nothing is buffered.
  const bool buffered = nmp.placement != NmpPlacement::in_die;
  const std::int64_t weights = !buffered ? 0 : s.n * s.k * gemm.bits.stationary * (1 + s.m);
  const std::int64_t inputs = s.m * s.k * gemm.bits.activation * (input_loads + ceil_div<std::int64_t>(columns, nmp.pe.fpus));
  const std::int64_t accumulators =
      2 * s.m * s.n * gemm.k_parts_used() *
      ceil_div<std::int64_t>(gemm.pe_products().k, nmp.pe_for(gemm.bits.activation, gemm.bits.stationary).macs_per_fpu) *
      gemm.bits.accumulator;
  return s.count * (weights + inputs + accumulators);
}

std::int64_t vector_buffer_bits(const NmpGemm& operands) { return 2 * 8 * (bytes_of_all(operands.input) + bytes_of_all(operands.output)); }

}  // namespace bondsim
