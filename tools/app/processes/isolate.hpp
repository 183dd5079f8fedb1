#pragma once
#include <functional>
#include <stdexcept>
#include <string>

namespace bondsim {

/// Work that did not end in the time it was given.
class TimeLimitError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Runs `work` in a child process and returns what it returned: SystemC elaborates once a process, so every simulation after the first
/// needs one of its own. An exception of `work` is thrown again here with its type (ConfigError, InfeasibleError, IoError, otherwise
/// InternalError). Only for a process without threads: a lock that another thread holds at the fork (the loader's, say) stays locked in the
/// child for ever. Many at a time: a WorkerPool (tools/app/processes/worker_pool.hpp) whose workers call this.
/// @param limit_s seconds of wall time after which the child is ended; 0: none. @throws TimeLimitError
std::string run_isolated(const std::function<std::string()>& work, unsigned limit_s = 0);

}  // namespace bondsim
