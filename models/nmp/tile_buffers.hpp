#pragma once
#include <cstdint>

#include "models/nmp/tile_loop.hpp"

namespace bondsim {

/// Free buffers of a channel while an nmp_gemm runs; they say which step of its program may be taken. Everything that gives the
/// steps time (the NMP controller event by event, the mapper's estimate in a loop) asks here.
class TileBuffers {
 public:
  TileBuffers() = default;
  explicit TileBuffers(const TileLoop& loop) : input_(loop.input_slots()), weight_(loop.weight_slots()), output_(loop.output_slots()) {}

  /// A load may begin. Partial sums come back only when they have left, and take no output buffer that a piece loaded before them needs.
  bool can_load(const TileSpan& span) const {
    switch (span.kind) {
      case TileSpan::Kind::load_input:
        return input_ > 0;
      case TileSpan::Kind::load_partials:
        return output_ > unopened_ && stored_ > partials_;
      case TileSpan::Kind::load_weights:
        return weight_ > 0;
      default:
        return false;
    }
  }

  /// Takes the space of a load. Accumulators that were loaded need no output buffer any more when their first piece opens the tile.
  void load(TileSpan& span) {
    switch (span.kind) {
      case TileSpan::Kind::load_input:
        --input_;
        break;
      case TileSpan::Kind::load_partials:
        --output_;
        ++partials_;
        holds_partials_ = true;
        break;
      default:
        --weight_;
        if (!span.opens_tile) break;
        span.opens_tile = !holds_partials_;
        unopened_ += span.opens_tile;
        holds_partials_ = false;
    }
  }

  /// The computation on a piece may begin, as far as buffers go.
  bool can_compute(const TileSpan& piece) const { return !piece.opens_tile || output_ > 0; }
  void begin_compute(const TileSpan& piece) {
    output_ -= piece.opens_tile;
    unopened_ -= piece.opens_tile;
  }
  /// The store of a tile that the piece closes is submitted at the same time.
  void end_compute(const TileSpan& piece) {
    ++weight_;
    input_ += piece.closes_input;
    stored_ += piece.closes_tile;
  }
  void end_store() { ++output_; }

  int inputs_free() const { return input_; }
  int weights_free() const { return weight_; }
  int outputs_free() const { return output_; }

 private:
  int input_ = 0, weight_ = 0, output_ = 0;
  int unopened_ = 0;           ///< pieces loaded or loading that will take an output buffer
  std::int64_t partials_ = 0;  ///< loads of partial sums so far
  std::int64_t stored_ = 0;    ///< stores submitted so far
  bool holds_partials_ = false;
};

}  // namespace bondsim
