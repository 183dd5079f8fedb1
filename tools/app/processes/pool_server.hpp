#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "models/base/task_pool.hpp"

namespace bondsim::tools {

/// A process with a WorkerPool of its own that works off batches. It is forked before this process joins an MPI job: MPI starts threads,
/// and a process that has threads must not fork, but a worker that dies is to be replaced at any time.
///   to it: a batch, `run TASKS CHUNK`, then a line a task
///   from it: `answered I TEXT`, `gave_up I REPORT`, `died REPORT`, and `ready` when the batch is done
class PoolServer {
 public:
  PoolServer(int jobs, const TaskPool::Work& work);
  /// Ends the process; what it has not finished is lost.
  ~PoolServer();
  PoolServer(const PoolServer&) = delete;
  PoolServer& operator=(const PoolServer&) = delete;

  static std::string batch_text(const std::vector<std::string>& tasks, std::size_t chunk);
  void send(const std::string& batch);
  /// Whole lines that came within `timeout_ms`. Once the process has died, `lost` is set and says how.
  std::vector<std::string> lines(int timeout_ms);
  const std::string& lost() const { return lost_; }

 private:
  pid_t pid_ = -1;
  int to_ = -1;
  int from_ = -1;
  std::string received_;
  std::string lost_;
};

}  // namespace bondsim::tools
