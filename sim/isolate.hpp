#pragma once
#include <functional>
#include <string>

namespace bondsim {

/// Runs `work` in a child process and returns what it returned: SystemC elaborates once a process, so every simulation after the first
/// needs one of its own. An exception of `work` is thrown again here with its type (ConfigError, InfeasibleError, otherwise InternalError).
/// Only for a process without threads: a lock that another thread holds at the fork (the loader's, say) stays locked in the child for
/// ever. Many at a time: a WorkerPool (models/base/worker_pool.hpp) whose workers call this.
std::string run_isolated(const std::function<std::string()>& work);

}  // namespace bondsim
