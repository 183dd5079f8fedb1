#include "models/nmp/tile_program.hpp"

#include <algorithm>

#include "models/base/quantity.hpp"

namespace bondsim {
namespace {

std::int64_t columns_of(const NmpGemm& gemm) {
  check(gemm.pes_per_product() > 0, "nmp_gemm without PEs");
  return ceil_div<std::int64_t>(gemm.shape.n, gemm.pes_per_product());
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
    : TileLoop(gemm.pe_products(), columns_of(gemm), gemm.bits, gemm.tiling, nmp, finite_buffers),
      input_(gemm.input),
      stationary_(gemm.stationary),
      output_(gemm.output),
      partials_(gemm.partials),
      stationary_bytes_(
          std::min(stationary_.bytes(), ceil_div(columns_of(gemm) * gemm.pe_products().k * gemm.bits.stationary, std::int64_t{8}))),
      access_bytes_(nmp.hb.access_bytes),
      direct_(nmp.io_path == IoPath::direct) {
  check(gemm.tiling.order == LoopOrder::output_stationary || gemm.tiling.k_tile >= gemm.pe_products().k || !gemm.partials.empty(),
        "input_stationary tiling without room for partials");
}

std::int64_t bytes_of_all(const std::vector<Extent>& extents) {
  std::int64_t sum = 0;
  for (const Extent& e : extents) sum += e.bytes();
  return sum;
}

std::int64_t vector_unit_cycles(const VectorWork& work, const NmpConfig& nmp) {
  check(nmp.vector.lanes > 0, "nmp_vector on a channel without vector unit");
  return ceil_div<std::int64_t>(vector_operations(work, nmp.vector.costs), nmp.vector.lanes);
}

TileProgram::TileProgram(const VectorWork& work, const NmpGemm& operands, const NmpConfig& nmp)
    : TileLoop(vector_unit_cycles(work, nmp), bytes_of_all(operands.input), bytes_of_all(operands.output), nmp),
      input_({}),
      stationary_(operands.input),
      output_(operands.output),
      partials_({}),
      stationary_bytes_(stationary_.bytes()),
      access_bytes_(nmp.hb.access_bytes),
      direct_(nmp.io_path == IoPath::direct),
      vector_(true) {}

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
  if (step.kind == TileSpan::Kind::end || (direct_ && (vector_ || step.kind != TileSpan::Kind::load_weights))) return step;
  const HbOperand& operand = operand_of(step);
  // Padding lies at the ends of parts: the places of tiles before it do not move with it.
  const bool in_parts = step.kind == TileSpan::Kind::load_weights && operand.parts() > 1;
  const std::int64_t bytes = in_parts ? stationary_bytes_ : operand.bytes();
  const std::int64_t to = step.to >= step.all ? operand.bytes() : position(bytes, step.to, step.all, access_bytes_);
  step.extents = operand.slice(position(bytes, step.from, step.all, access_bytes_), to);
  return step;
}

}  // namespace bondsim
