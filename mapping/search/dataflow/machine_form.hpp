#pragma once
#include <array>
#include <map>

#include "mapping/cost/cost_model.hpp"
#include "mapping/cost/detailed/task_timing.hpp"
#include "models/system/system.hpp"

namespace bondsim::search {

/// The closed form "detailed" for the operators of one machine: of a device only the number of channels counts, the rest is the machine's.
/// Times are kept, so that an operator is planned and walked once. For searches; not for several threads.
/// An operator that no tile of the buffers takes, or that the channels do not hold, takes infinitely long.
class MachineForm final : public cost::CostModel {
 public:
  explicit MachineForm(const System& system);
  MachineForm(const MachineForm&) = delete;
  MachineForm& operator=(const MachineForm&) = delete;

  const char* name() const override { return "detailed"; }
  double nmp_seconds(const GemmShape& gemm, double element_bytes, const cost::NmpDevice& device) const override;
  double npu_seconds(const GemmShape& gemm, double element_bytes, const cost::NpuDevice& device) const override;
  double nmp_operand_seconds(const GemmShape& gemm, const OperandBits& bits, const cost::NmpDevice& device) const override;
  double npu_operand_seconds(const GemmShape& gemm, const OperandBits& bits, const cost::NpuDevice& device) const override;
  double block_seconds(const Block& block, const System& system, double start_s) const override;

 private:
  /// The machine with so many NMP channels alone, or so many normal ones.
  struct Part {
    System system;
    cost::TaskTiming timing;
  };
  using Key = std::array<std::int64_t, 10>;  ///< side, channels, count, m, n, k, bits

  const Part& part(bool nmp, int channels) const;
  double seconds(bool nmp, int channels, const GemmShape& gemm, const OperandBits& bits) const;

  System system_;
  mutable std::map<std::pair<bool, int>, Part> parts_;
  mutable std::map<Key, double> seconds_;
};

}  // namespace bondsim::search
