#include "models/nmp/tile_program.hpp"

#include <algorithm>

#include "models/base/quantity.hpp"

namespace bondsim {
namespace {

std::int64_t bits_of(double kib) { return static_cast<std::int64_t>(kib * 1024 * 8); }

/// Bytes of the first `part` of `all` elements of an operand whose bank share has `bytes`, in whole accesses.
std::int64_t position(std::int64_t bytes, std::int64_t part, std::int64_t all, std::int64_t access) {
  if (part >= all) return bytes;
  const auto exact = static_cast<std::int64_t>(static_cast<WideInt>(bytes) * part / all);
  return std::min(bytes, ceil_div(exact, access) * access);
}

}  // namespace

std::int64_t TileProgram::compute_cycles(std::int64_t m, std::int64_t k, std::int64_t n, const PeConfig& pe) {
  return m * ceil_div<std::int64_t>(k, pe.macs_per_fpu) * ceil_div<std::int64_t>(n, pe.fpus);
}

std::int64_t TileProgram::piece_rows(std::int64_t k_tile, std::int64_t n, int stationary_bits, const PeConfig& pe) {
  const std::int64_t half = bits_of(pe.weight_buffer_kib) / (pe.double_buffered_weights ? 2 : 1);
  const std::int64_t fitting = half / (n * stationary_bits);
  if (fitting >= k_tile) return k_tile;
  return fitting >= pe.macs_per_fpu ? fitting / pe.macs_per_fpu * pe.macs_per_fpu : fitting;
}

BufferSlots buffer_slots(const GemmShape& shape, std::int64_t columns, const NmpTiling& tiling, const OperandBits& bits,
                         const NmpConfig& nmp) {
  BufferSlots slots;
  slots.weights = nmp.pe.double_buffered_weights ? 2 : 1;
  const std::int64_t tile_columns = std::min(tiling.n_tile, columns);
  slots.piece_rows = TileProgram::piece_rows(std::min(tiling.k_tile, shape.k), tile_columns, bits.stationary, nmp.pe);
  check(slots.piece_rows > 0, "one row of a weight tile ({} columns) does not fit the weight buffer", tile_columns);

  const std::int64_t input_bits = bits_of(nmp.input_buffer_kib);
  const std::int64_t row_bits = shape.count * shape.m * bits.activation;
  slots.input_resident = row_bits * shape.k <= input_bits;
  const std::int64_t tile_bits = row_bits * std::min(tiling.k_tile, shape.k);
  check(tile_bits <= input_bits, "an input tile of {} bits does not fit the input buffer of {} bits", tile_bits, input_bits);
  slots.input = !slots.input_resident && 2 * tile_bits <= input_bits ? 2 : 1;

  const std::int64_t output_bits = bits_of(nmp.pe.output_buffer_kib);
  const std::int64_t accumulators = shape.m * tile_columns * bits.accumulator;
  check(accumulators <= output_bits, "{} bits of accumulators do not fit the output buffer of {} bits", accumulators, output_bits);
  slots.output = 2 * accumulators <= output_bits ? 2 : 1;
  return slots;
}

TileProgram::TileProgram(const NmpGemm& gemm, const NmpConfig& nmp, bool finite_buffers) : gemm_(gemm), nmp_(nmp) {
  const GemmShape& s = gemm.shape;
  const NmpTiling& t = gemm.tiling;
  check(gemm.pes_per_gemm > 0 && t.n_tile > 0 && t.k_tile > 0, "nmp_gemm without PEs or tiles");
  columns_ = ceil_div<std::int64_t>(s.n, gemm.pes_per_gemm);
  k_tiles_ = ceil_div(s.k, t.k_tile);
  n_tiles_ = ceil_div(columns_, t.n_tile);
  check(t.order == LoopOrder::output_stationary || k_tiles_ == 1 || !gemm.partials.empty(),
        "input_stationary tiling without room for partials");
  if (!finite_buffers) {
    without_limits();
    return;
  }

  slots_ = buffer_slots(s, columns_, t, gemm.bits, nmp);
}

void TileProgram::without_limits() {
  constexpr std::int64_t pieces = 1024;
  const std::int64_t width = nmp_.pe.macs_per_fpu;
  const std::int64_t rows = ceil_div(columns_ * gemm_.shape.k, pieces * std::min(gemm_.tiling.n_tile, columns_));
  const std::int64_t fine = std::max<std::int64_t>(1, ceil_div(rows, width)) * width;
  const std::int64_t tile_columns = std::min(gemm_.tiling.n_tile, columns_);
  // Never coarser than real buffers make them, or real ones would seem the faster.
  const std::int64_t real = piece_rows(gemm_.shape.k, tile_columns, gemm_.bits.stationary, nmp_.pe);
  slots_.piece_rows = std::min({fine, std::max<std::int64_t>(1, real), gemm_.tiling.k_tile, gemm_.shape.k});
  slots_.input_resident = true;
  slots_.weights = slots_.input = slots_.output = 1 << 30;
}

TileStep TileProgram::transfer(TileStep::Kind kind, const std::vector<Extent>& operand, std::int64_t from, std::int64_t to,
                               std::int64_t all) const {
  TileStep step;
  step.kind = kind;
  for (const Extent& extent : operand) {
    const std::int64_t bytes = extent.max_bytes_per_bank();
    const std::int64_t lo = position(bytes, from, all, nmp_.hb.access_bytes);
    const std::int64_t hi = position(bytes, to, all, nmp_.hb.access_bytes);
    if (hi > lo) step.extents.push_back(extent.slice(lo, hi));
  }
  return step;
}

TileStep TileProgram::weights_step() {
  const bool output_first = gemm_.tiling.order == LoopOrder::output_stationary;
  const std::int64_t n_index = output_first ? visit_ / k_tiles_ : visit_ % n_tiles_;
  const std::int64_t k_index = output_first ? visit_ % k_tiles_ : visit_ / n_tiles_;
  const std::int64_t tile_k = std::min(gemm_.tiling.k_tile, gemm_.shape.k - k_index * gemm_.tiling.k_tile);
  const std::int64_t tile_n = std::min(gemm_.tiling.n_tile, columns_ - n_index * gemm_.tiling.n_tile);
  const std::int64_t k = std::min(slots_.piece_rows, tile_k - k_in_tile_);
  const std::int64_t elements = k * tile_n;

  TileStep step =
      transfer(TileStep::Kind::load_weights, gemm_.stationary, weight_elements_, weight_elements_ + elements, columns_ * gemm_.shape.k);
  step.cycles = compute_cycles(gemm_.shape.m, k, tile_n, nmp_.pe);
  const bool last_piece = k_in_tile_ + k == tile_k;
  step.opens_tile = k_in_tile_ == 0 && (!output_first || k_index == 0);
  step.closes_tile = last_piece && (!output_first || k_index + 1 == k_tiles_);
  step.closes_input = last_piece && !slots_.input_resident && (output_first || n_index + 1 == n_tiles_);
  weight_elements_ += elements;
  k_in_tile_ += k;
  if (last_piece) stage_ = 3;
  return step;
}

TileStep TileProgram::next() {
  while (visit_ < k_tiles_ * n_tiles_) {
    TileStep step;
    if (step_visit(step)) return step;
  }
  return {};
}

bool TileProgram::step_visit(TileStep& step) {
  const NmpTiling& t = gemm_.tiling;
  const bool output_first = t.order == LoopOrder::output_stationary;
  const std::int64_t n_index = output_first ? visit_ / k_tiles_ : visit_ % n_tiles_;
  const std::int64_t k_index = output_first ? visit_ % k_tiles_ : visit_ / n_tiles_;
  const std::int64_t k_end = std::min((k_index + 1) * t.k_tile, gemm_.shape.k);
  const std::int64_t n_end = std::min((n_index + 1) * t.n_tile, columns_);
  switch (stage_) {
    case 0:
      stage_ = 1;
      if (slots_.input_resident && visit_ == 0) {
        step = transfer(TileStep::Kind::load_input, gemm_.input, 0, 1, 1);
        return true;
      }
      if (!slots_.input_resident && (output_first || n_index == 0)) {
        step = transfer(TileStep::Kind::load_input, gemm_.input, k_index * t.k_tile, k_end, gemm_.shape.k);
        return true;
      }
      return false;
    case 1:
      stage_ = 2;
      if (output_first || k_index == 0) return false;
      step = transfer(TileStep::Kind::load_partials, gemm_.partials, n_index * t.n_tile, n_end, columns_);
      return true;
    case 2:
      step = weights_step();
      return true;
    default: {
      const bool last_k = k_index + 1 == k_tiles_;
      stage_ = 0;
      k_in_tile_ = 0;
      ++visit_;
      if (output_first && !last_k) return false;
      step = transfer(TileStep::Kind::store_output, last_k ? gemm_.output : gemm_.partials, n_index * t.n_tile, n_end, columns_);
      return true;
    }
  }
}

}  // namespace bondsim
