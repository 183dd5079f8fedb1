#pragma once
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace bondsim {

/// Answers lines of text with lines of text, many at a time, in other processes: of this machine (WorkerPool), or of every rank of an MPI
/// job.
class TaskPool {
 public:
  using Work = std::function<std::string(const std::string&)>;  ///< runs in a worker; neither text may hold a line break
  struct Callbacks {
    std::function<void(std::size_t task, const std::string& answer)> answered;
    std::function<void(std::size_t task, const std::string& report)> gave_up;
    std::function<void(const std::string& report)> died;
    std::function<bool()> stop;  ///< true: hand nothing out any more
    std::size_t chunk = 1;       ///< tasks a worker is given at a time: neighbours that may share work
  };

  virtual ~TaskPool() = default;
  /// Answers come in any order. Returns when all are answered or given up, or, after `stop`, when what was handed out is.
  virtual void run(const std::vector<std::string>& tasks, const Callbacks& callbacks) = 0;
  /// Workers there are in all.
  virtual int workers() const = 0;
};

}  // namespace bondsim
