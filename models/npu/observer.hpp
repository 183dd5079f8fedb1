#pragma once
#include <cstdint>

namespace bondsim {

/// What the NPU is doing, for traces.
struct NpuState {
  bool computing = false;             ///< the systolic arrays
  std::int64_t vector_tasks = 0;      ///< that run
  std::int64_t transfers_queued = 0;  ///< DMA transfers that have not ended
};

/// Told when it changes, at the time it does. May see the same state twice.
class NpuObserver {
 public:
  virtual ~NpuObserver() = default;
  virtual void npu_changed(const NpuState& state) = 0;
};

}  // namespace bondsim
