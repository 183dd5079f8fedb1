#pragma once
#include <sys/types.h>

#include <deque>
#include <string>
#include <vector>

#include "models/base/task_pool.hpp"

namespace bondsim {

/// Workers that `jobs` asks for; 0: one a processor.
int worker_count(int jobs);

/// Worker processes that answer lines of text with lines of text. A worker that dies is reported, replaced, and what it had is given to
/// another; a line that kills three workers is given up. Processes, not threads: a simulation can elaborate once a process.
class WorkerPool : public TaskPool {
 public:
  WorkerPool(int workers, Work work);
  ~WorkerPool() override;
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  void run(const std::vector<std::string>& tasks, const Callbacks& callbacks) override;
  int workers() const override { return static_cast<int>(workers_.size()); }

  /// Of the processes, for tests.
  std::vector<pid_t> processes() const;

 private:
  struct Worker {
    pid_t pid = -1;
    int to = -1;
    int from = -1;
    std::string received;           ///< an answer not yet complete
    std::deque<std::size_t> tasks;  ///< handed out and not answered, in order
  };
  struct Run {
    const std::vector<std::string>& tasks;
    const Callbacks& callbacks;
    std::deque<std::size_t> waiting;
    std::vector<int> deaths;  ///< by task
  };

  void start(Worker& worker);
  void end(Worker& worker);
  [[noreturn]] void serve(int from, int to) const;
  void hand_out(Worker& worker, Run& run);
  void receive(Worker& worker, Run& run);
  void bury(Worker& worker, Run& run);

  Work work_;
  std::vector<Worker> workers_;
};

}  // namespace bondsim
