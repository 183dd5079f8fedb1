#pragma once
#include <cstdint>

#include "models/nmp/config.hpp"
#include "models/schedule/schedule.hpp"

namespace bondsim {

/// One step of an nmp_gemm in program order, as numbers: elements [from, to) of `all` of an operand move through the HB ports.
struct TileSpan {
  enum class Kind {
    load_input,     ///< a k tile of the activations: banks to global buffer; elements of K
    load_partials,  ///< accumulators of an n tile: bank to output buffer; columns
    load_weights,   ///< a piece of the weight tile: bank to weight buffer, then compute on it; elements of the PE with most columns
    store_output,   ///< an n tile: output buffer to bank; columns
    end
  };
  Kind kind = Kind::end;
  std::int64_t from = 0, to = 0, all = 1;
  std::int64_t cycles = 0;    ///< load_weights: PE cycles of the computation on the piece (reads_of() says which of them follow its load)
  bool opens_tile = false;    ///< load_weights: first piece on these accumulators, needs a free output buffer
  bool closes_tile = false;   ///< load_weights: last piece before the accumulators are stored
  bool closes_input = false;  ///< load_weights: last piece that uses the present input tile
  bool unfinished = false;    ///< store_output: the sums are partial, and will be loaded again
};

/// Tiles and pieces of a tiling that the buffers of a PE and of its channel hold at a time.
struct BufferSlots {
  std::int64_t piece_rows = 0;  ///< rows of K of a piece of weights
  bool input_resident = false;  ///< the whole input is loaded once, before the first weights, and stays
  bool input_kept = false;      ///< input tiles are loaded one by one, as they are needed, and stay
  int input = 1;                ///< input tiles (1 or 2; 1 when all of the input is resident)
  int output = 1;               ///< n tiles of accumulators (1 or 2)
  int weights = 1;              ///< pieces of weights
};
/// @param columns output columns of the PE with most of them. @throws InternalError when a tile does not fit
BufferSlots buffer_slots(const GemmShape& shape, std::int64_t columns, const NmpTiling& tiling, const OperandBits& bits,
                         const NmpConfig& nmp);

/// How the columns of a piece of weights are read, and what is computed after the last of them has come.
struct ColumnReads {
  std::int64_t passes = 1;   ///< times each column is read
  std::int64_t pace_ps = 0;  ///< from access to access, where the PE takes longer for a column than the port; 0: the port's time
  std::int64_t cycles = 0;   ///< of the PE, once all columns have come
};

/// The loop nest of a tiling, and inside a (k, n) tile pieces that fill one half of the weight buffer, or less where the tiling says so.
/// Steps are generated on demand; a GEMM of any size needs constant memory.
class TileLoop {
 public:
  /// @param columns output columns of the PE with most of them
  /// @param finite_buffers false: buffers hold everything, and pieces are only as large as keeps their number moderate
  /// @throws InternalError when the tiling does not fit the buffers (the Schedule's validator rejects it earlier).
  TileLoop(const GemmShape& shape, std::int64_t columns, const OperandBits& bits, const NmpTiling& tiling, const NmpConfig& nmp,
           bool finite_buffers = true);

  /// Element-wise work as a loop of one step: all of the operands come, `cycles` of the PEs' clock on them, the result goes.
  /// @param input_bytes, output_bytes of all banks together, which the bus moves where the operands pass the banks by
  TileLoop(std::int64_t cycles, std::int64_t input_bytes, std::int64_t output_bytes, const NmpConfig& nmp);

  /// The next step; kind `end` when there is none.
  TileSpan advance();

  bool input_resident() const { return slots_.input_resident; }
  int input_slots() const { return slots_.input; }
  int output_slots() const { return slots_.output; }
  int weight_slots() const { return slots_.weights; }

  /// Reads of a piece that is `accesses` columns of the fullest bank. Without `pipelined_access` the PE computes on the piece once it has
  /// been read; with it, on each column while the next is accessed, and on the last one at the end. Banks that share
  /// a PE are read in turns, each as much slower.
  ColumnReads reads_of(const TileSpan& piece, std::int64_t accesses) const;

  /// Bytes of a span of all PEs together between the bus and the buffers (`io_path: direct`); 0: the span passes the ports.
  std::int64_t bus_bytes(const TileSpan& span) const;

  /// Cycles of a PE for a [k, n] piece against m rows: an FPU takes `macs_per_fpu` elements of K of one column a cycle.
  static std::int64_t compute_cycles(std::int64_t m, std::int64_t k, std::int64_t n, const PeConfig& pe);

  /// Rows of K in a piece of weights `n` columns wide that fills one half of the weight buffer (all of it without double buffering),
  /// in whole groups of `macs_per_fpu` where one fits, at most `k_tile`; 0 when not even one row fits.
  static std::int64_t piece_rows(std::int64_t k_tile, std::int64_t n, const Element& stationary, const PeConfig& pe);

  /// The same for a tiling of [k, columns]: no more than its `k_piece`.
  static std::int64_t piece_rows(const NmpTiling& tiling, std::int64_t k, std::int64_t columns, const Element& stationary,
                                 const PeConfig& pe);

  /// Bytes of the first `part` of `all` elements of an operand whose bank share has `bytes`, in whole accesses.
  static std::int64_t position(std::int64_t bytes, std::int64_t part, std::int64_t all, std::int64_t access);

 private:
  bool step_visit(TileSpan& span);
  void without_limits(const Element& stationary);
  TileSpan weights_span();

  GemmShape shape_;
  NmpTiling tiling_;
  OperandBits bits_;
  PeConfig pe_;
  bool direct_ = false;
  std::int64_t vector_cycles_ = -1;  ///< of element-wise work; -1: a GEMM
  std::int64_t vector_input_ = 0, vector_output_ = 0;
  std::int64_t columns_ = 0;
  std::int64_t k_tiles_ = 0;
  std::int64_t n_tiles_ = 0;
  std::int64_t access_ps_ = 0;
  BufferSlots slots_;

  std::int64_t n_index_ = 0;  ///< the present (k, n) tile
  std::int64_t k_index_ = 0;
  std::int64_t k_in_tile_ = 0;  ///< progress inside the tile
  std::int64_t weight_elements_ = 0;
  int stage_ = 0;  ///< 0: input, 1: partials, 2: weights, 3: store
};

}  // namespace bondsim
