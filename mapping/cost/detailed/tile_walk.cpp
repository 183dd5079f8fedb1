#include "mapping/cost/detailed/tile_walk.hpp"

#include <algorithm>
#include <cmath>

#include "models/base/quantity.hpp"

namespace bondsim::cost {
namespace {

/// std::ceil of what is not negative and fits 63 bits, without a call: the walk is made of little else.
double up(double x) {
  const auto whole = static_cast<double>(static_cast<std::int64_t>(x));
  return whole < x ? whole + 1 : whole;
}

}  // namespace

TileWalk::TileWalk(const HbTiming& timing, const NmpShare& share, double start, double& due, PieceWalk walk)
    : t_(timing),
      share_(share),
      walk_(walk),
      pe_(timing.nmp_.pe_for(share.bits.activation, share.bits.stationary)),
      slots_(buffer_slots(share.shape, share.columns, share.tiling, share.bits, timing.nmp_)),
      k_tile_(std::min(share.tiling.k_tile, share.shape.k)),
      n_tile_(std::min(share.tiling.n_tile, share.columns)),
      now_(start),
      due_(due) {
  const auto columns = static_cast<double>(share.columns);
  bytes_per_element_ = share.stationary_bytes / static_cast<double>(share.columns * share.shape.k);
  input_ = t_.access_ps(share.input_bytes) + std::floor(share.input_bytes / t_.page_) * t_.row_gap_;
  const double loads = slots_.input_resident ? 1 : static_cast<double>(ceil_div(share.shape.k, k_tile_));
  input_change_ = t_.change_ps(std::min(t_.page_accesses_, share.input_bytes / loads / t_.access_bytes_), false);
  output_bytes_ = static_cast<std::int64_t>(share.output_bytes);
  const double tile_bytes = share.output_bytes * static_cast<double>(n_tile_) / columns;
  const double tile_accesses = tile_bytes / t_.access_bytes_;
  store_change_ = t_.change_ps(std::min(t_.page_accesses_, tile_accesses), true);
  single_buffer_ = slots_.weights < 2;
  input_waits_ = slots_.input < 2;
  output_waits_ = slots_.output < 2;
}

double TileWalk::end() {
  banks_idle(now_, now_);
  store_ = t_.first_row_ + (slots_.input_resident ? input_ + input_change_ : 0);
  for (std::int64_t first = 0; first < share_.columns; first += n_tile_) n_tile(first, std::min(n_tile_, share_.columns - first));
  const double compute_end = computed();
  banks_idle(now_, compute_end);
  // Nothing is loaded after the last store.
  const double last = late_store_ > 0 ? store_ + late_store_ : std::max(0.0, store_ - store_change_);
  return banks_work(compute_end, last);
}

void TileWalk::n_tile(std::int64_t first, std::int64_t columns) {
  for (std::int64_t k0 = 0; k0 < share_.shape.k; k0 += k_tile_) {
    const std::int64_t rows = std::min(k_tile_, share_.shape.k - k0);
    double input = 0;
    if (!slots_.input_resident) {
      input = input_ * static_cast<double>(rows) / static_cast<double>(share_.shape.k) + t_.page_change_ + input_change_;
      // Behind a store the banks go from the output's row straight to the input's.
      if (k0 == 0 && (store_ > 0 || (late_store_ > 0 && input_waits_))) input -= t_.page_change_;
      waits_ = waits_ || input_waits_;
    }
    k_tile(rows, columns, input);
  }
  // Loads wait behind a store; the next tile's computation does too when the output buffer holds one tile.
  // Only whole accesses are stored: of narrow tiles most store nothing.
  const auto access = static_cast<std::int64_t>(t_.access_bytes_);
  const auto position = [&](std::int64_t column) { return TileLoop::position(output_bytes_, column, share_.columns, access); };
  const std::int64_t stored = position(first + columns) - position(first);
  if (stored == 0) return;
  const double store = t_.page_change_ + t_.access_ps(static_cast<double>(stored));
  if (output_waits_) {
    late_store_ = store;
  } else {
    store_ = store + store_change_;
  }
}

void TileWalk::k_tile(std::int64_t rows, std::int64_t columns, double input) {
  std::int64_t full = rows / slots_.piece_rows;
  if (full > 0) {
    const Piece piece = piece_of(slots_.piece_rows, columns);
    for (bool first = true; full > 0; --full, first = false) {
      if (!first && run_of(piece, full)) break;
      if (single_buffer_) waits_ = true;
      step(load_of(piece, input > 0 || store_ > 0) + input, piece.compute);
      input = 0;
    }
  }
  const std::int64_t rest = rows % slots_.piece_rows;
  if (rest == 0) return;
  const Piece piece = piece_of(rest, columns);
  if (single_buffer_) waits_ = true;
  step(load_of(piece, input > 0 || store_ > 0) + input, piece.compute);
}

TileWalk::Piece TileWalk::piece_of(std::int64_t rows, std::int64_t columns) const {
  Piece p;
  p.bytes = bytes_per_element_ * static_cast<double>(rows * columns);
  p.compute = static_cast<double>(TileProgram::compute_cycles(share_.shape.m, rows, columns, pe_)) * t_.cycle_;
  const double pages = p.bytes / t_.page_;
  p.access = t_.access_ps(p.bytes);
  p.shortest_load = p.access + std::max(0.0, std::floor(pages - 1e-6)) * t_.row_gap_;
  p.longest_load = p.access + std::ceil(pages + 1e-6) * t_.row_gap_;
  return p;
}

/// @param back the banks come back from another tensor, which has opened the first row
double TileWalk::load_of(const Piece& piece, bool back) {
  const double opened = up((position_ + piece.bytes) * t_.pages_a_byte_ - 1e-9);
  double rows_begun = opened - rows_opened_;
  if (back || position_ == 0) {
    // At a row's begin.
    const double into_row = position_ - (rows_opened_ - 1) * t_.page_;
    if (position_ == 0 || into_row > t_.page_ - 1e-3 || into_row < 1e-3) rows_begun -= 1;
  }
  position_ += piece.bytes;
  rows_opened_ = opened;
  return piece.access + std::max(0.0, rows_begun) * t_.row_gap_;
}

void TileWalk::step(double load, double next_compute) {
  const double compute_end = computed();
  const double back = late_store_ > 0 ? store_change_ : 0;
  double left = 0;
  if (waits_) {
    banks_idle(now_, compute_end);
    now_ = banks_work(compute_end, store_ + late_store_ + back + load);
  } else {
    const double load_end = banks_work(now_, store_ + load);
    now_ = std::max(compute_end, load_end);
    banks_idle(load_end, now_);
    if (late_store_ > 0) now_ = banks_work(now_, late_store_);
    left = back;
  }
  compute_ = next_compute;
  store_ = left;
  late_store_ = 0;
  waits_ = false;
}

/// Advances `pieces` equal pieces at once if one bound holds for all. @return false: it may not hold
bool TileWalk::run_of(const Piece& piece, std::int64_t pieces) {
  if (walk_ == PieceWalk::pieces || single_buffer_ || waits_ || store_ > 0 || late_store_ > 0) return false;
  const auto number = static_cast<double>(pieces);
  if (piece.bytes >= t_.page_ && piece.compute + t_.cycle_ <= piece.shortest_load) {
    // Each load ends after the computation beside it: the loads follow one another.
    Piece all = piece;
    all.bytes *= number;
    all.access *= number;
    now_ = banks_work(now_, load_of(all, false));
    banks_idle(now_, now_);
    return true;
  }
  // Beside one computation a load may have to wait for the end of one refresh, and where computations are long for another.
  const double refreshes = t_.bank_period_ >= piece.compute + 2 * t_.refresh_ ? 1 : 2;
  if (pieces > 2 && piece.longest_load + refreshes * t_.refresh_ <= std::min(piece.compute, t_.bank_period_)) {
    // Loads and refreshes stay under the computations. The last two pieces one by one: they leave the banks as they are.
    const double jump = number - 2;
    now_ = computed() + (jump - 1) * piece.compute;
    if (due_ < now_) due_ += std::ceil((now_ - due_) / t_.bank_period_) * t_.bank_period_;
    position_ += jump * piece.bytes;
    rows_opened_ = up(position_ * t_.pages_a_byte_ - 1e-9);
    for (int i = 0; i < 2; ++i) step(load_of(piece, false), piece.compute);
    return true;
  }
  return false;
}

double TileWalk::banks_work(double begin, double work) {
  double end = std::max(begin, blocked_) + work;
  for (; due_ < end - std::min(work, t_.row_); due_ += t_.bank_period_) end += t_.refresh_;
  return end;
}

void TileWalk::banks_idle(double from, double until) {
  for (; due_ < until; due_ += t_.bank_period_) blocked_ = std::max(due_, from) + t_.refresh_;
}

/// The computation of the last piece, which begins on an edge of the PEs' clock.
double TileWalk::computed() const { return compute_ > 0 ? up(now_ * t_.cycles_a_ps_ - 1e-6) * t_.cycle_ + compute_ : now_; }

}  // namespace bondsim::cost
