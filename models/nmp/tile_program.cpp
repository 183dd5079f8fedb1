#include "models/nmp/tile_program.hpp"

#include <algorithm>

#include "models/base/quantity.hpp"

namespace bondsim {
namespace {

std::int64_t columns_of(const NmpGemm& gemm) {
  check(gemm.pes_per_gemm > 0, "nmp_gemm without PEs");
  return ceil_div<std::int64_t>(gemm.shape.n, gemm.pes_per_gemm);
}

}  // namespace

HbOperand::HbOperand(const std::vector<Extent>& extents) : parts_(joined(extents)) {
  for (const Extent& part : parts_) bytes_ += part.max_bytes_per_bank();
}

std::vector<Extent> HbOperand::slice(std::int64_t from, std::int64_t to) const {
  std::vector<Extent> out;
  std::int64_t begin = 0;
  for (const Extent& part : parts_) {
    const std::int64_t size = part.max_bytes_per_bank();
    const std::int64_t lo = std::clamp<std::int64_t>(from - begin, 0, size);
    const std::int64_t hi = std::clamp<std::int64_t>(to - begin, 0, size);
    if (hi > lo) out.push_back(part.slice(lo, hi));
    begin += size;
  }
  return out;
}

TileProgram::TileProgram(const NmpGemm& gemm, const NmpConfig& nmp, bool finite_buffers)
    : TileLoop(gemm.shape, columns_of(gemm), gemm.bits, gemm.tiling, nmp, finite_buffers),
      input_(gemm.input),
      stationary_(gemm.stationary),
      output_(gemm.output),
      partials_(gemm.partials),
      access_bytes_(nmp.hb.access_bytes) {
  check(gemm.tiling.order == LoopOrder::output_stationary || gemm.tiling.k_tile >= gemm.shape.k || !gemm.partials.empty(),
        "input_stationary tiling without room for partials");
}

const HbOperand& TileProgram::operand_of(const TileSpan& span) const {
  switch (span.kind) {
    case TileSpan::Kind::load_input:
      return input_;
    case TileSpan::Kind::load_partials:
      return partials_;
    case TileSpan::Kind::load_weights:
      return stationary_;
    default:
      return span.unfinished ? partials_ : output_;
  }
}

TileStep TileProgram::next() {
  TileStep step{advance(), {}};
  if (step.kind == TileSpan::Kind::end) return step;
  const HbOperand& operand = operand_of(step);
  step.extents = operand.slice(position(operand.bytes(), step.from, step.all, access_bytes_),
                               position(operand.bytes(), step.to, step.all, access_bytes_));
  return step;
}

}  // namespace bondsim
