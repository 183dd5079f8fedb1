#pragma once
#include <cstdint>

namespace bondsim {

/// State of the NPU as traces show it.
struct NpuState {
  bool computing = false;             ///< the systolic arrays
  std::int64_t vector_tasks = 0;      ///< that run
  std::int64_t transfers_queued = 0;  ///< DMA transfers that have not ended
};

}  // namespace bondsim
