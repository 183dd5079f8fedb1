#pragma once
#include <cstdint>
#include <vector>

#include "mapping/tiling/port_stream.hpp"
#include "models/schedule/schedule.hpp"
#include "models/system/system.hpp"

namespace bondsim::cost {

/// Share of an nmp_gemm as the fullest PE and the fullest bank see it: all that its time depends on.
struct NmpShare {
  GemmShape shape;           ///< of the task
  std::int64_t columns = 0;  ///< of the fullest PE
  NmpTiling tiling;
  OperandBits bits;
  double input_bytes = 0;  ///< of the fullest bank; likewise the next two
  double stationary_bytes = 0;
  double output_bytes = 0;
};
NmpShare share_of(const NmpGemm& gemm);

/// Walk through the pieces of weights of a GEMM: by the controller's own steps, which takes time for each piece; or by their
/// sums, runs of equal pieces in one step, which may be some accesses off. Sums piece by piece differ from those in rounding alone.
enum class PieceWalk { steps, runs, pieces };

/// Times behind the HB ports of one channel, in picoseconds: what README.md derives from the rules of the machine.
class HbTiming {
 public:
  explicit HbTiming(const System& system, PieceWalk walk = PieceWalk::steps);

  /// From a row of `accesses`, at most a page, to the first access of another tensor's row, without the accesses themselves.
  double change_ps(double accesses, bool write) const;
  double access_ps(double bytes) const { return bytes / access_bytes_ * access_; }

  double refresh_period_ps() const { return period_; }

  /// A GEMM of the PEs from `start` to the returned end, without the mode changes around it.
  /// @param due next refresh of the channel, moved on past those that come
  double gemm_end(const NmpShare& share, double start, double& due) const { return gemm_end(share, start, due, walk_); }
  double gemm_end(const NmpShare& share, double start, double& due, PieceWalk walk) const;
  /// Element-wise work of an nmp_vector, likewise.
  double vector_end(const VectorWork& work, const NmpGemm& operands, double start, double& due) const;

 private:
  friend class TileWalk;

  double walked_end(const NmpShare& share, double start, double& due) const;

  PieceWalk walk_;
  NmpConfig nmp_;
  PortTiming port_;
  double access_ = 0, access_bytes_ = 0;
  double page_ = 0, pages_a_byte_ = 0;
  double page_accesses_ = 0;
  double row_ = 0;               ///< period of full rows of weights
  double row_gap_ = 0;           ///< between the accesses of neighbouring rows
  std::vector<double> changes_;  ///< change_ps() by accesses and kind: reckoned once, asked for every walk
  double page_change_ = 0;       ///< from a row of the weights to another tensor's
  double first_row_ = 0;         ///< ACT of the first row
  double cycle_ = 0;             ///< of a PE
  double cycles_a_ps_ = 0;
  double refresh_ = 0;      ///< excess of a refresh at a row boundary
  double bank_period_ = 0;  ///< between refreshes of a bank; infinite without
  double period_ = 0;       ///< between refresh commands of the channel
};

}  // namespace bondsim::cost
