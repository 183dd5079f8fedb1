#pragma once
#include <cstdint>
#include <vector>

#include "models/nmp/config.hpp"
#include "models/schedule/schedule.hpp"

namespace bondsim {

/// One step the NMP controller takes for an nmp_gemm, in program order.
struct TileStep {
  enum class Kind {
    load_input,     ///< a k tile of the activations: banks to global buffer
    load_partials,  ///< accumulators of an n tile: bank to output buffer
    load_weights,   ///< a piece of the weight tile: bank to weight buffer, then compute on it
    store_output,   ///< a finished (or, with partials, unfinished) n tile: output buffer to bank
    end
  };
  Kind kind = Kind::end;
  std::vector<Extent> extents;  ///< what moves through the HB ports
  std::int64_t cycles = 0;      ///< load_weights: PE cycles of the computation on the piece
  bool opens_tile = false;      ///< load_weights: first piece on these accumulators, needs a free output buffer
  bool closes_tile = false;     ///< load_weights: last piece before the accumulators are stored
  bool closes_input = false;    ///< load_weights: last piece that uses the present input tile
};

/// What of a tiling is in the buffers of a PE and of its channel at a time.
struct BufferSlots {
  std::int64_t piece_rows = 0;  ///< rows of K of a piece of weights
  bool input_resident = false;  ///< the whole input is loaded once and stays
  int input = 1;                ///< input tiles (1 or 2; 1 when all of the input is resident)
  int output = 1;               ///< n tiles of accumulators (1 or 2)
  int weights = 1;              ///< pieces of weights
};
/// @param columns output columns of the PE with most of them. @throws InternalError when a tile does not fit
BufferSlots buffer_slots(const GemmShape& shape, std::int64_t columns, const NmpTiling& tiling, const OperandBits& bits,
                         const NmpConfig& nmp);

/// Unpacks an nmp_gemm into steps: the loop nest of its tiling, and inside a (k, n) tile pieces that fill one half of the weight
/// buffer. Steps are generated on demand; a GEMM of any size needs constant memory. Bytes are rounded up to whole HB accesses once per
/// operand.
class TileProgram {
 public:
  /// @throws InternalError when the tiling does not fit the buffers (the Schedule's validator rejects it earlier).
  /// @param finite_buffers false: buffers hold everything, and pieces are only as large as keeps their number moderate.
  TileProgram(const NmpGemm& gemm, const NmpConfig& nmp, bool finite_buffers = true);

  TileStep next();

  bool input_resident() const { return slots_.input_resident; }
  int input_slots() const { return slots_.input; }
  int output_slots() const { return slots_.output; }
  int weight_slots() const { return slots_.weights; }

  /// Cycles of a PE for a [k, n] piece against m rows: an FPU takes `macs_per_fpu` elements of K of one column a cycle.
  static std::int64_t compute_cycles(std::int64_t m, std::int64_t k, std::int64_t n, const PeConfig& pe);

  /// Rows of K in a piece of weights `n` columns wide that fills one half of the weight buffer (all of it without double buffering),
  /// in whole groups of `macs_per_fpu` where one fits, at most `k_tile`; 0 when not even one row fits.
  static std::int64_t piece_rows(std::int64_t k_tile, std::int64_t n, int stationary_bits, const PeConfig& pe);

 private:
  bool step_visit(TileStep& step);
  void without_limits();
  TileStep weights_step();
  TileStep transfer(TileStep::Kind kind, const std::vector<Extent>& operand, std::int64_t from_elements, std::int64_t to_elements,
                    std::int64_t all_elements) const;

  NmpGemm gemm_;
  NmpConfig nmp_;
  std::int64_t columns_ = 0;  ///< output columns of the PE with most of them
  std::int64_t k_tiles_ = 0;
  std::int64_t n_tiles_ = 0;
  BufferSlots slots_;

  std::int64_t visit_ = 0;      ///< index of the (k, n) tile in loop order
  std::int64_t k_in_tile_ = 0;  ///< progress inside the tile
  std::int64_t weight_elements_ = 0;
  int stage_ = 0;  ///< 0: input, 1: partials, 2: weights, 3: store
};

}  // namespace bondsim
