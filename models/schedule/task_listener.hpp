#pragma once
#include <cstdint>

namespace bondsim {

/// Told when a task has ended; called from the executor's process at the simulated time of the end.
class TaskListener {
 public:
  virtual ~TaskListener() = default;
  virtual void task_done(std::int32_t task) = 0;
};

}  // namespace bondsim
