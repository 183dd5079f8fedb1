#include "models/nmp/tile_program.hpp"

#include "models/base/quantity.hpp"

namespace bondsim {
namespace {

std::int64_t columns_of(const NmpGemm& gemm) {
  check(gemm.pes_per_gemm > 0, "nmp_gemm without PEs");
  return ceil_div<std::int64_t>(gemm.shape.n, gemm.pes_per_gemm);
}

const std::vector<Extent>& operand_of(const NmpGemm& gemm, const TileSpan& span) {
  switch (span.kind) {
    case TileSpan::Kind::load_input:
      return gemm.input;
    case TileSpan::Kind::load_partials:
      return gemm.partials;
    case TileSpan::Kind::load_weights:
      return gemm.stationary;
    default:
      return span.unfinished ? gemm.partials : gemm.output;
  }
}

}  // namespace

TileProgram::TileProgram(const NmpGemm& gemm, const NmpConfig& nmp, bool finite_buffers)
    : TileLoop(gemm.shape, columns_of(gemm), gemm.bits, gemm.tiling, nmp, finite_buffers), gemm_(gemm), access_bytes_(nmp.hb.access_bytes) {
  check(gemm.tiling.order == LoopOrder::output_stationary || gemm.tiling.k_tile >= gemm.shape.k || !gemm.partials.empty(),
        "input_stationary tiling without room for partials");
}

TileStep TileProgram::next() {
  TileStep step{advance(), {}};
  if (step.kind == TileSpan::Kind::end) return step;
  for (const Extent& extent : operand_of(gemm_, step)) {
    const std::int64_t bytes = extent.max_bytes_per_bank();
    const std::int64_t lo = position(bytes, step.from, step.all, access_bytes_);
    const std::int64_t hi = position(bytes, step.to, step.all, access_bytes_);
    if (hi > lo) step.extents.push_back(extent.slice(lo, hi));
  }
  return step;
}

}  // namespace bondsim
