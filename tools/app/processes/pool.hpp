#pragma once
#include <functional>

#include "models/base/task_pool.hpp"

namespace bondsim::tools {

/// Starts the workers and runs `lead` with them: in this process, or, where mpirun started several, in rank 0 with the workers of all
/// ranks; the other ranks serve until it has ended. To be called before anything else of the process starts threads, once.
/// @param jobs worker processes of this process, or of every rank; 0: one a processor, one a rank under mpirun
/// @return what `lead` returned; 0 in the other ranks
int lead_or_serve(int jobs, const TaskPool::Work& work, const std::function<int(TaskPool&)>& lead);

/// 0 unless mpirun started this process as another rank, which is to leave the terminal to rank 0.
int rank_in_job();

}  // namespace bondsim::tools
