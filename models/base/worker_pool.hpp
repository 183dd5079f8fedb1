#pragma once
#include <sys/types.h>

#include <deque>
#include <functional>
#include <string>
#include <vector>

namespace bondsim {

/// Worker processes that answer lines of text with lines of text. A worker that dies is reported, replaced, and what it had is given to
/// another; a line that kills three workers is given up. Processes, not threads: a simulation can elaborate once a process.
class WorkerPool {
 public:
  using Work = std::function<std::string(const std::string&)>;  ///< runs in a worker; neither text may hold a line break
  struct Callbacks {
    std::function<void(std::size_t task, const std::string& answer)> answered;
    std::function<void(std::size_t task, const std::string& report)> gave_up;
    std::function<void(const std::string& report)> died;
    std::function<bool()> stop;  ///< true: hand nothing out any more
  };

  /// Starts the processes. @param chunk tasks a worker is given at a time: neighbours that may share work.
  WorkerPool(int workers, std::size_t chunk, Work work);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Answers come in any order. Returns when all are answered or given up, or, after `stop`, when what was handed out is.
  void run(const std::vector<std::string>& tasks, const Callbacks& callbacks);

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

  std::size_t chunk_;
  Work work_;
  std::vector<Worker> workers_;
};

}  // namespace bondsim
