#pragma once
#include <utility>
#include <vector>

#include "mapping/cost/detailed/hb_timing.hpp"
#include "mapping/cost/detailed/operator_plan.hpp"

namespace bondsim::cost {

/// Times of tasks by formula: what README.md derives from the rules of the machine, at full fidelity, nothing fitted. Picoseconds.
/// Stateless; one object may serve any number of threads.
class TaskTiming {
 public:
  explicit TaskTiming(const System& system, PieceWalk walk = PieceWalk::steps);

  /// From the block's start, at which nothing is under way, to its end. Tasks run in the schedule's order on each channel, on the arrays
  /// and on the vector units. @param start of the block: refresh is due every tREFI from the run's start
  double block_ps(const Block& block, double start = 0) const;

  /// The same of an operator alone, which needs no schedule.
  double operator_ps(const OperatorPlan& plan) const;

  const HbTiming& hb() const { return hb_; }

  /// A transfer of the host that has the bus to itself. @param due next refresh of the channel, moved on past those that come
  double host_end(const BusTransfer& transfer, bool write, double start, double& due) const;
  /// The same in parts: time on a busy bus of one of `pieces` equal pieces, from an idle bus to the first data, and the end of `work` on a
  /// bus that has nothing else to do.
  double bus_ps(const BusTransfer& transfer, std::int32_t pieces) const;
  double latency_ps(bool write) const { return ck_ * (1 + t_.n_rcd + (write ? t_.n_cwl : t_.n_cl)); }
  double bus_end(double work, double start, double& due) const;
  /// Work done between `start` and `now`. @param due moved on past the refreshes in between
  double served_ps(double start, double now, double& due) const;

  BusTransfer transfer(const std::vector<Extent>& extents, bool write) const {
    return transfer_of(extents, write ? write_queue_ : read_queue_, write, t_, organization_);
  }
  /// Stationary operand of an npu_gemm, by channel.
  std::vector<std::pair<std::int32_t, BusTransfer>> streams_of(const NpuGemm& gemm) const;
  double compute_ps(const GemmShape& shape, const OperandBits& bits) const;
  /// @param due any time at which refresh is due; the next one is found from it
  double npu_gemm_end(const NpuShare& gemm, double start, double due) const;
  double vector_ps(const VectorWork& work) const;

  /// Into NMP mode after host work (writes or reads or none), and back after an output was stored.
  double enter_ps(bool after_host, bool after_write) const;
  double leave_ps() const;

  /// First refresh of a channel after `start`, from there.
  double first_due(double start) const;

 private:
  double channel_ps(const PlannedChannel& channel) const;

  HbTiming hb_;
  DramTiming t_;
  DramOrganization organization_;
  int read_queue_, write_queue_;
  NpuConfig npu_;
  double mode_change_ = 0;
  double ck_ = 0;
  double period_ = 0;  ///< tREFI; infinite without refresh
  double host_refresh_ = 0;
};

}  // namespace bondsim::cost
