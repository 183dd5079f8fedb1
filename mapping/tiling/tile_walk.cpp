#include "mapping/tiling/tile_walk.hpp"

#include <algorithm>
#include <array>

#include "models/base/clock.hpp"
#include "models/base/error.hpp"
#include "models/base/quantity.hpp"
#include "models/nmp/tile_buffers.hpp"

namespace bondsim {
namespace {

/// Computations and transfers of an nmp_gemm under way, from event to event.
class Walk {
 public:
  Walk(TileLoop& loop, const OperandBytes& bytes, const NmpConfig& nmp, PortStream& port, std::int64_t start, const WalkLimit& limit)
      : loop_(loop),
        buffers_(loop),
        bytes_(bytes),
        access_(nmp.hb.access_bytes),
        direct_(nmp.io_path == IoPath::direct),
        port_(port),
        clock_(Clock::from_khz(nmp.pe.clock_mhz * 1000LL)),
        now_(start),
        end_(start),
        limit_(limit) {
    pending_ = loop_.advance();
  }

  std::int64_t run() {
    for (;;) {
      while (stores_ > 0 && store_ends_[first_store_] <= now_) end_store();
      fetch();
      if (pieces_ == 0) {
        if (pending_.kind == TileSpan::Kind::end || stores_ == 0) break;
        now_ = store_ends_[first_store_];
        continue;
      }
      Piece& piece = piece_[first_piece_];
      const bool blocked_load = pending_.kind == TileSpan::Kind::load_partials && stores_ > 0;
      if (!buffers_.can_compute(piece.span)) {
        check(stores_ > 0, "a tile waits for an output buffer that nothing frees");
        now_ = store_ends_[first_store_];
      } else if (blocked_load && store_ends_[first_store_] <= piece.loaded) {
        now_ = store_ends_[first_store_];
      } else {
        compute(piece);
        if (too_late()) return over_limit;
      }
    }
    check(pending_.kind == TileSpan::Kind::end, "a load waits for a buffer that nothing frees");
    return std::max(now_, end_);  // the last store may have nothing left to write
  }

 private:
  struct Piece {
    std::int64_t loaded = 0;
    TileSpan span;
    TileSpan store;
  };

  /// Progress of an operand: elements moved, and the byte there.
  struct Reached {
    std::int64_t part = 0;
    std::int64_t position = 0;
  };

  /// @pre a piece has just been computed
  bool too_late() const {
    if (now_ + limit_.computation - computed_ > limit_.end) return true;
    return static_cast<double>(end_) + static_cast<double>(limit_.stream) * left_ > static_cast<double>(limit_.end);
  }

  /// Moves a span; of weights, sets the cycles that the PE computes after the last column has come.
  std::int64_t transfer(TileSpan& span, bool write) {
    if (const std::int64_t bytes = loop_.bus_bytes(span); bytes > 0) return end_ = port_.move_over_bus(bytes, !write, now_);
    if (direct_ && span.kind != TileSpan::Kind::load_weights) return end_;
    int tensor = 0;
    std::int64_t bytes = bytes_.stationary;
    if (span.kind == TileSpan::Kind::load_input) {
      tensor = 1;
      bytes = bytes_.input;
    } else if (span.kind == TileSpan::Kind::load_partials || span.unfinished) {
      tensor = 2;
      bytes = bytes_.partials;
    } else if (span.kind == TileSpan::Kind::store_output) {
      tensor = 3;
      bytes = bytes_.output;
    }
    // Mostly it goes on where it stopped.
    Reached& reached = reached_[static_cast<std::size_t>(tensor)];
    const std::int64_t from = span.from == reached.part ? reached.position : TileLoop::position(bytes, span.from, span.all, access_);
    const std::int64_t to = TileLoop::position(bytes, span.to, span.all, access_);
    reached = {span.to, to};
    ColumnPace pace;
    if (span.kind == TileSpan::Kind::load_weights) {
      const ColumnReads reads = loop_.reads_of(span, ceil_div(std::max<std::int64_t>(to - from, 0), access_));
      pace = {reads.passes, reads.pace_ps};
      span.cycles = reads.cycles;
    }
    if (to <= from) return end_;
    return end_ = port_.move(tensor, from, to, write, now_, pace);
  }

  void fetch() {
    while (pending_.kind != TileSpan::Kind::end && buffers_.can_load(pending_)) {
      buffers_.load(pending_);
      const std::int64_t loaded = transfer(pending_, false);
      if (pending_.kind == TileSpan::Kind::load_weights) {
        check(pieces_ < 2, "more pieces in flight than the weight buffer has halves");
        piece_[(first_piece_ + pieces_) % 2] = {loaded, pending_, {}};
        ++pieces_;
        left_ = 1 - static_cast<double>(pending_.to) / static_cast<double>(pending_.all);
      }
      pending_ = loop_.advance();
      if (pending_.kind == TileSpan::Kind::store_output) {
        piece_[(first_piece_ + pieces_ - 1) % 2].store = pending_;
        pending_ = loop_.advance();
      }
    }
  }

  /// The first piece from the time it is there to the end of its computation. Loads that an earlier store lets begin meanwhile are
  /// submitted at its end; only partial sums wait for stores.
  void compute(const Piece& piece) {
    now_ = std::max(now_, piece.loaded);
    while (stores_ > 0 && store_ends_[first_store_] <= now_) end_store();
    buffers_.begin_compute(piece.span);
    const std::int64_t edge = clock_.edge_at_or_after(Picoseconds(now_));
    const std::int64_t done = clock_.edge(edge + piece.span.cycles).value;
    computed_ += clock_.edge(piece.span.cycles).value;
    while (pending_.kind == TileSpan::Kind::load_partials && stores_ > 0 && store_ends_[first_store_] < done) {
      now_ = std::max(now_, store_ends_[first_store_]);
      end_store();
      fetch();
    }
    now_ = done;
    const TileSpan span = piece.span;
    TileSpan store = piece.store;
    first_piece_ = (first_piece_ + 1) % 2;
    --pieces_;
    buffers_.end_compute(span);
    if (!span.closes_tile) return;
    check(stores_ < 2, "more stores in flight than the output buffer has tiles");
    store_ends_[(first_store_ + stores_) % 2] = transfer(store, true);
    ++stores_;
  }

  void end_store() {
    first_store_ = (first_store_ + 1) % 2;
    --stores_;
    buffers_.end_store();
  }

  TileLoop& loop_;
  TileBuffers buffers_;
  OperandBytes bytes_;
  std::int64_t access_;
  bool direct_;
  PortStream& port_;
  Clock clock_;
  std::int64_t now_;
  std::int64_t end_;           ///< of the last transfer submitted
  std::int64_t computed_ = 0;  ///< time the PEs have computed
  double left_ = 1;            ///< of the weights, not yet asked for
  WalkLimit limit_;
  TileSpan pending_;
  std::array<Reached, 4> reached_{};
  std::array<Piece, 2> piece_;
  std::size_t first_piece_ = 0, pieces_ = 0;
  std::array<std::int64_t, 2> store_ends_{};
  std::size_t first_store_ = 0, stores_ = 0;
};

}  // namespace

std::int64_t walk_tiles(TileLoop loop, const OperandBytes& bytes, const NmpConfig& nmp, PortStream& port, std::int64_t start,
                        const WalkLimit& limit) {
  return Walk(loop, bytes, nmp, port, start, limit).run();
}

}  // namespace bondsim
