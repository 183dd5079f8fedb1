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

  /// A GEMM of the PEs from `start` to the returned end, without the mode changes around it.
  /// @param due next refresh of the channel, moved on past those that come
  double nmp_gemm_end(const NmpGemm& gemm, double start, double& due) const;
  /// A transfer of the host that has the bus to itself.
  double host_end(const std::vector<Extent>& extents, bool write, double start, double& due) const;
  double npu_gemm_end(const NpuGemm& gemm, double start) const;
  double vector_ps(const VectorWork& work) const;

  /// Into NMP mode after host work (writes or reads or none), and back after an output was stored.
  double enter_ps(bool after_host, bool after_write) const;
  double leave_ps() const;

 private:
  struct GemmTerms;
  struct Pipeline;

  GemmTerms gemm_terms(const NmpGemm& gemm) const;
  void n_tile(const NmpGemm& gemm, const GemmTerms& terms, std::int64_t columns, Pipeline& pipeline) const;
  double access_ps(double bytes) const;
  double row_end_ps(double accesses, bool write) const;
  double up_to_edge(double ps) const;
  double first_due() const;
  double after_idle(double ready, double cost, double& due) const;

  const System& system_;
  double ck_ = 0;
  double period_ = 0;  ///< tREFI; far away without refresh
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
  double block_seconds(const Block& block, const System& system) const override { return TaskTiming(system).block_ps(block) * 1e-12; }

 private:
  System system_;
};

/// `system` with the channels, PEs and ports of a device. The port keeps the time of an access, so its width goes with its bandwidth.
System system_of_device(const System& system, const NmpDevice& device);
/// The same with all channels normal, and as many arrays as come nearest to the device's peak.
System system_of_device(const System& system, const NpuDevice& device);
OperandBits bits_of_elements(double element_bytes);

}  // namespace bondsim::cost
