#pragma once
#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "mapping/cost/cost_model.hpp"
#include "mapping/cost/detailed/operator_plan.hpp"
#include "mapping/cost/detailed/task_timing.hpp"
#include "models/schedule/schedule.hpp"
#include "models/system/system.hpp"

namespace bondsim::cost {

/// The closed form "detailed": the operator alone on `system` with the device's channels, PEs and ports, mapped as the simulator maps it,
/// and timed by TaskTiming. What is derived from a device is kept until another one is asked about. @throws InfeasibleError where no
/// mapping exists.
class Detailed final : public CostModel {
 public:
  explicit Detailed(const System& system);
  ~Detailed() override;
  const char* name() const override { return "detailed"; }
  double nmp_seconds(const GemmShape& gemm, double element_bytes, const NmpDevice& device) const override;
  double npu_seconds(const GemmShape& gemm, double element_bytes, const NpuDevice& device) const override;
  double nmp_operand_seconds(const GemmShape& gemm, const OperandBits& bits, const NmpDevice& device) const override;
  double npu_operand_seconds(const GemmShape& gemm, const OperandBits& bits, const NpuDevice& device) const override;
  double block_seconds(const Block& block, const System& system, double start_s) const override;

 private:
  /// A device's system and its timing.
  template <class Device>
  class Latest;

  System system_;
  std::unique_ptr<Latest<NmpDevice>> nmp_;
  std::unique_ptr<Latest<NpuDevice>> npu_;
};

/// The same for many operators on one device: how an operator is cut and tiled is searched once and kept, as is its time, and equal pieces
/// are taken together. For searches. Not for several threads.
class DetailedOnDevice {
 public:
  DetailedOnDevice(const System& base, const NmpDevice& device);
  DetailedOnDevice(const System& base, const NpuDevice& device);
  DetailedOnDevice(const DetailedOnDevice&) = delete;
  DetailedOnDevice& operator=(const DetailedOnDevice&) = delete;

  /// @throws InfeasibleError where no mapping exists
  const OperatorPlan& plan(const GemmShape& gemm, double element_bytes);
  double seconds(const GemmShape& gemm, double element_bytes);
  const TaskTiming& timing() const { return timing_; }

 private:
  using Key = std::array<std::int64_t, 5>;  ///< count, m, n, k, size of an element
  bool on_nmp_;
  System system_;
  TaskTiming timing_;
  struct Known {
    OperatorPlan plan;
    std::optional<double> seconds;
  };
  Known& known(const GemmShape& gemm, double element_bytes);

  std::map<Key, Known> known_;
};

/// `system` with the channels, PEs and ports of a device. The port keeps the time of an access, so its width goes with its bandwidth.
System system_of_device(const System& system, const NmpDevice& device);
/// The same with all channels normal, and as many arrays as come nearest to the device's peak.
System system_of_device(const System& system, const NpuDevice& device);
OperandBits bits_of_elements(double element_bytes);

/// A line on the keys of `system.fidelity` that are off and change the simulator's times, but not those of "detailed"; empty without.
std::string switches_not_followed(const System& system);

}  // namespace bondsim::cost
