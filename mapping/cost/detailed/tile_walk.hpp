#pragma once
#include "mapping/cost/detailed/hb_timing.hpp"
#include "models/nmp/tile_program.hpp"

namespace bondsim::cost {

/// The walk of an nmp_gemm over its pieces of weights: the load of one begins with the computation of the one before, and both have ended
/// when the next two begin. Refresh comes at a row boundary after it is due, or at once while the banks have nothing to do. Runs of equal
/// pieces that are bound by loads throughout, or by computation throughout, are taken in one step.
class TileWalk {
 public:
  TileWalk(const HbTiming& timing, const NmpShare& share, double start, double& due, PieceWalk walk);
  double end();

 private:
  struct Piece {
    double bytes = 0;
    double access = 0;  ///< of the bytes, rows apart
    double compute = 0;
    double shortest_load = 0;
    double longest_load = 0;
  };

  void n_tile(std::int64_t first, std::int64_t columns);
  void k_tile(std::int64_t rows, std::int64_t columns, double input);
  Piece piece_of(std::int64_t rows, std::int64_t columns) const;
  double load_of(const Piece& piece, bool back);
  void step(double load, double next_compute);
  bool run_of(const Piece& piece, std::int64_t pieces);

  double banks_work(double begin, double work);
  void banks_idle(double from, double until);
  double computed() const;

  const HbTiming& t_;
  const NmpShare& share_;
  PieceWalk walk_;
  PeConfig pe_;  ///< as it multiplies the operands
  BufferSlots slots_;
  std::int64_t k_tile_ = 0, n_tile_ = 0;
  double bytes_per_element_ = 0;
  double input_ = 0;               ///< load of all of K, its change of rows apart
  double input_change_ = 0;        ///< from a row of the input to the weights
  std::int64_t output_bytes_ = 0;  ///< of the fullest bank
  double store_change_ = 0;        ///< from a row of the output to the weights
  bool single_buffer_ = false, input_waits_ = false, output_waits_ = false;

  double now_;              ///< the present load and computation begin
  double compute_ = 0;      ///< of the piece loaded last
  double store_ = 0;        ///< queued in front of the next load
  double late_store_ = 0;   ///< between this computation and the next, which waits for its output buffer
  bool waits_ = true;       ///< the next load cannot begin before the computation has ended
  double position_ = 0;     ///< bytes of weights read from a bank
  double rows_opened_ = 0;  ///< of weights, up to there
  double blocked_ = 0;      ///< the banks refresh until then
  double& due_;
};

}  // namespace bondsim::cost
