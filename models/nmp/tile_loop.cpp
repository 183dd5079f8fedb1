#include "models/nmp/tile_loop.hpp"

#include <algorithm>
#include <cmath>

#include "models/base/quantity.hpp"

namespace bondsim {
namespace {

std::int64_t bits_of(double kib) { return static_cast<std::int64_t>(kib * 1024 * 8); }

}  // namespace

std::int64_t TileLoop::compute_cycles(std::int64_t m, std::int64_t k, std::int64_t n, const PeConfig& pe) {
  return m * ceil_div<std::int64_t>(k, pe.macs_per_fpu) * ceil_div<std::int64_t>(n, pe.fpus);
}

std::int64_t TileLoop::piece_rows(std::int64_t k_tile, std::int64_t n, const Element& stationary, const PeConfig& pe) {
  const std::int64_t half = bits_of(pe.weight_buffer_kib) / (pe.double_buffered_weights ? 2 : 1);
  const std::int64_t fitting = half / (n * stationary);
  if (fitting >= k_tile) return k_tile;
  return fitting >= pe.macs_per_fpu ? fitting / pe.macs_per_fpu * pe.macs_per_fpu : fitting;
}

std::int64_t TileLoop::piece_rows(const NmpTiling& t, std::int64_t k, std::int64_t columns, const Element& stationary, const PeConfig& pe) {
  const std::int64_t rows = piece_rows(std::min(t.k_tile, k), std::min(t.n_tile, columns), stationary, pe);
  return t.k_piece > 0 ? std::min(rows, t.k_piece) : rows;
}

std::int64_t TileLoop::position(std::int64_t bytes, std::int64_t part, std::int64_t all, std::int64_t access) {
  if (part >= all) return bytes;
  // Wide arithmetic is slow, and rarely needed.
  constexpr std::int64_t small = std::int64_t{1} << 31;
  const std::int64_t exact =
      bytes < small && part < small ? bytes * part / all : static_cast<std::int64_t>(static_cast<WideInt>(bytes) * part / all);
  return std::min(bytes, ceil_div(exact, access) * access);
}

BufferSlots buffer_slots(const GemmShape& shape, std::int64_t columns, const NmpTiling& tiling, const OperandBits& bits,
                         const NmpConfig& nmp) {
  BufferSlots slots;
  slots.weights = nmp.pe.overlaps_loads() ? 2 : 1;
  const std::int64_t tile_columns = std::min(tiling.n_tile, columns);
  slots.piece_rows = TileLoop::piece_rows(tiling, shape.k, columns, bits.stationary, nmp.pe_for(bits.activation, bits.stationary));
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

TileLoop::TileLoop(const GemmShape& shape, std::int64_t columns, const OperandBits& bits, const NmpTiling& tiling, const NmpConfig& nmp,
                   bool finite_buffers)
    : shape_(shape),
      tiling_(tiling),
      bits_(bits),
      pe_(nmp.pe_for(bits.activation, bits.stationary)),
      direct_(nmp.io_path == IoPath::direct),
      columns_(columns),
      access_ps_(nmp.hb.access_ps()) {
  check(tiling.n_tile > 0 && tiling.k_tile > 0, "nmp_gemm without tiles");
  k_tiles_ = ceil_div(shape.k, tiling.k_tile);
  n_tiles_ = ceil_div(columns_, tiling.n_tile);
  if (!finite_buffers) {
    without_limits(bits.stationary);
    return;
  }
  slots_ = buffer_slots(shape, columns, tiling, bits, nmp);
}

TileLoop::TileLoop(std::int64_t cycles, std::int64_t input_bytes, std::int64_t output_bytes, const NmpConfig& nmp)
    : shape_{1, 1, 1, 1},
      tiling_{1, 1},
      pe_(nmp.pe),
      direct_(nmp.io_path == IoPath::direct),
      vector_cycles_(cycles),
      vector_input_(input_bytes),
      vector_output_(output_bytes),
      columns_(1),
      k_tiles_(1),
      n_tiles_(1),
      access_ps_(nmp.hb.access_ps()),
      stage_(2) {
  slots_.piece_rows = 1;
}

std::int64_t TileLoop::bus_bytes(const TileSpan& span) const {
  if (vector_cycles_ >= 0) return !direct_ ? 0 : span.kind == TileSpan::Kind::load_weights ? vector_input_ : vector_output_;
  if (!direct_ || span.kind == TileSpan::Kind::load_weights) return 0;
  const bool input = span.kind == TileSpan::Kind::load_input;
  const bool sums = span.kind == TileSpan::Kind::load_partials || span.unfinished;
  const Element& element = input ? bits_.activation : sums ? bits_.accumulator : bits_.output;
  const std::int64_t bytes = ceil_div(shape_.count * shape_.m * (input ? shape_.k : shape_.n) * element, std::int64_t{8});
  return position(bytes, span.to, span.all, 1) - position(bytes, span.from, span.all, 1);
}

void TileLoop::without_limits(const Element& stationary) {
  constexpr std::int64_t pieces = 1024;
  const std::int64_t width = pe_.macs_per_fpu;
  const std::int64_t tile_columns = std::min(tiling_.n_tile, columns_);
  const std::int64_t rows = ceil_div(columns_ * shape_.k, pieces * tile_columns);
  const std::int64_t fine = std::max<std::int64_t>(1, ceil_div(rows, width)) * width;
  // Never coarser than real buffers make them, or real ones would seem the faster.
  const NmpTiling whole_k{tiling_.n_tile, shape_.k, tiling_.order, tiling_.k_piece};
  const std::int64_t real = piece_rows(whole_k, shape_.k, columns_, stationary, pe_);
  slots_.piece_rows = std::min({fine, std::max<std::int64_t>(1, real), tiling_.k_tile, shape_.k});
  slots_.input_kept = true;
  slots_.weights = slots_.input = slots_.output = 1 << 30;
}

ColumnReads TileLoop::reads_of(const TileSpan& piece, std::int64_t accesses) const {
  ColumnReads reads;
  reads.passes = pe_.reads_for(shape_.m);
  reads.cycles = vector_cycles_ >= 0 ? piece.cycles : piece.cycles * pe_.banks_per_pe;  // the vector unit is the channel's
  if (accesses <= 0) return reads;
  const std::int64_t all = accesses * reads.passes;
  std::int64_t of_pe = std::max(access_ps_, static_cast<std::int64_t>(std::llround(pe_.issue_interval_ns * 1000)));
  if (pe_.pipelined_access && vector_cycles_ < 0) {
    reads.cycles = ceil_div(piece.cycles, all);
    of_pe = std::max(of_pe, ceil_div(piece.cycles * 1'000'000, all * pe_.clock_mhz));
  }
  reads.pace_ps = of_pe * pe_.banks_per_pe;  // the banks of a PE in turns
  return reads;
}

TileSpan TileLoop::weights_span() {
  const bool output_first = tiling_.order == LoopOrder::output_stationary;
  const std::int64_t tile_k = std::min(tiling_.k_tile, shape_.k - k_index_ * tiling_.k_tile);
  const std::int64_t tile_n = std::min(tiling_.n_tile, columns_ - n_index_ * tiling_.n_tile);
  const std::int64_t k = std::min(slots_.piece_rows, tile_k - k_in_tile_);
  TileSpan span;
  span.kind = TileSpan::Kind::load_weights;
  span.from = weight_elements_;
  span.to = weight_elements_ += k * tile_n;
  span.all = columns_ * shape_.k;
  span.cycles = vector_cycles_ >= 0 ? vector_cycles_ : compute_cycles(shape_.m, k, tile_n, pe_);
  const bool last_piece = k_in_tile_ + k == tile_k;
  span.opens_tile = k_in_tile_ == 0 && (!output_first || k_index_ == 0);
  span.closes_tile = last_piece && (!output_first || k_index_ + 1 == k_tiles_);
  span.closes_input = vector_cycles_ < 0 && last_piece && !slots_.input_resident && (output_first || n_index_ + 1 == n_tiles_);
  k_in_tile_ += k;
  if (last_piece) stage_ = 3;
  return span;
}

TileSpan TileLoop::advance() {
  while (k_index_ < k_tiles_ && n_index_ < n_tiles_) {
    TileSpan span;
    if (step_visit(span)) return span;
  }
  return {};
}

bool TileLoop::step_visit(TileSpan& span) {
  const bool output_first = tiling_.order == LoopOrder::output_stationary;
  switch (stage_) {
    case 0:
      stage_ = 1;
      if (slots_.input_resident) {
        if (n_index_ + k_index_ > 0) return false;
        span = {TileSpan::Kind::load_input, 0, 1, 1};
        return true;
      }
      if ((!output_first || slots_.input_kept) && n_index_ > 0) return false;
      span = {TileSpan::Kind::load_input, k_index_ * tiling_.k_tile, std::min((k_index_ + 1) * tiling_.k_tile, shape_.k), shape_.k};
      return true;
    case 1:
      stage_ = 2;
      if (output_first || k_index_ == 0) return false;
      span = {TileSpan::Kind::load_partials, n_index_ * tiling_.n_tile, std::min((n_index_ + 1) * tiling_.n_tile, columns_), columns_};
      return true;
    case 2:
      span = weights_span();
      return true;
    default: {
      const bool last_k = k_index_ + 1 == k_tiles_;
      const bool stores = !output_first || last_k;
      span = {TileSpan::Kind::store_output, n_index_ * tiling_.n_tile, std::min((n_index_ + 1) * tiling_.n_tile, columns_), columns_};
      span.unfinished = !last_k;
      stage_ = 0;
      k_in_tile_ = 0;
      std::int64_t& inner = output_first ? k_index_ : n_index_;
      std::int64_t& outer = output_first ? n_index_ : k_index_;
      if (++inner == (output_first ? k_tiles_ : n_tiles_)) {
        inner = 0;
        ++outer;
      }
      return stores;
    }
  }
}

}  // namespace bondsim
