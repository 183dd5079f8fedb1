#pragma once
#include "mapping/cost/cost_model.hpp"
#include "models/schedule/schedule.hpp"
#include "models/system/system.hpp"

namespace bondsim::cost {

/// Times of a block's tasks by formula: what README.md derives from the rules of the machine, at full fidelity, nothing fitted.
/// Picoseconds.
class TaskTiming {
 public:
  explicit TaskTiming(const System& system);

  /// From the block's start, at which nothing is under way and refresh is due after tREFI, to its end. Tasks run in the schedule's order
  /// on each channel, on the arrays and on the vector units.
  double block_ps(const Block& block) const;

  /// Behind the HB ports. Columns of a row of `accesses`, and what comes between the rows of a stream.
  double row_period_ps(double accesses, bool write) const;

  /// A GEMM of the PEs that starts at `start`, without the mode changes around it.
  double nmp_gemm_ps(const NmpGemm& gemm, double start) const;
  /// A transfer of the host that has the bus to itself.
  double host_ps(const std::vector<Extent>& extents, bool write, double start) const;
  double npu_gemm_ps(const NpuGemm& gemm, double start) const;
  double vector_ps(const VectorWork& work) const;

  /// Into NMP mode after host work (writes or reads or none), and back after an output was stored.
  double enter_ps(bool after_host, bool after_write) const;
  double leave_ps() const;

 private:
  /// Sums over the pieces of an nmp_gemm.
  struct Pipeline {
    double total = 0;
    double compute = 0;  ///< of the last piece
    double store = 0;    ///< queued in front of the load after the next
    bool waits = false;  ///< the next load cannot begin before the computation ends
    bool empty = true;
  };
  struct GemmTerms;

  GemmTerms gemm_terms(const NmpGemm& gemm, double stretch) const;
  double gemm_work_ps(const NmpGemm& gemm, double stretch) const;
  void n_tile(const NmpGemm& gemm, const GemmTerms& terms, std::int64_t columns, Pipeline& pipeline) const;
  static void piece(const GemmTerms& terms, double load, double compute, Pipeline& pipeline);
  double access_ps(double bytes) const;
  double row_end_ps(double accesses, bool write) const;
  double refreshed(double start, double work, double cost) const;
  double up_to_edge(double ps) const;

  const System& system_;
  double ck_ = 0;
  double period_ = 0;  ///< tREFI; 0: no refresh
  double hb_refresh_ = 0, host_refresh_ = 0;
  double page_accesses_ = 0;
};

/// The closed form "detailed": the operator alone on `system` with the device's channels, PEs and ports, mapped as the simulator maps it,
/// and timed by TaskTiming. @throws InfeasibleError where no mapping exists.
class Detailed final : public CostModel {
 public:
  explicit Detailed(const System& system) : system_(system) {}
  const char* name() const override { return "detailed"; }
  double nmp_seconds(const GemmShape& gemm, double element_bytes, const NmpDevice& device) const override;
  double npu_seconds(const GemmShape& gemm, double element_bytes, const NpuDevice& device) const override;

 private:
  System system_;
};

/// `system` with the channels, PEs and ports of a device. The port keeps the time of an access, so its width goes with its bandwidth.
System system_of_device(const System& system, const NmpDevice& device);
/// The same with all channels normal, and as many arrays as come nearest to the device's peak.
System system_of_device(const System& system, const NpuDevice& device);
OperandBits bits_of_elements(double element_bytes);

}  // namespace bondsim::cost
