#include "tools/app/processes/pool.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "models/base/error.hpp"
#include "tools/app/processes/rank_pool.hpp"
#include "tools/app/processes/worker_pool.hpp"

namespace bondsim::tools {
namespace {

int number_in_environment(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoi(text);
}

/// Joins the MPI job by the module that stands beside the executable, or in ../lib/bondsim where both are installed.
std::unique_ptr<Transport> open_transport() {
  const auto directory = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  const auto installed = (directory / ".." / "lib" / "bondsim" / "bondsim_mpi.so").lexically_normal();
  const auto module = (std::filesystem::exists(installed) ? installed : directory / "bondsim_mpi.so").string();
  void* library = ::dlopen(module.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (library == nullptr) {
    throw ConfigError(
        fmt::format("started by mpirun, but this bondsim has no MPI ({}): build it where libopenmpi-dev is installed", ::dlerror()));
  }
  using Open = Transport* (*)();
  return std::unique_ptr<Transport>(reinterpret_cast<Open>(::dlsym(library, "bondsim_open_transport"))());
}

int lead_or_serve_ranks(int jobs, const TaskPool::Work& work, const std::function<int(TaskPool&)>& lead) {
  PoolServer own(jobs, work);
  const auto transport = open_transport();
  if (transport->rank() != 0) {
    ::signal(SIGINT, SIG_IGN);  // rank 0 decides when to stop
    ::signal(SIGTERM, SIG_IGN);
    serve_rank(*transport, own);
    return 0;
  }
  RankPool pool(*transport, own, jobs);
  return lead(pool);
}

}  // namespace

int rank_in_job() { return number_in_environment("OMPI_COMM_WORLD_RANK", 0); }

int lead_or_serve(int jobs, const TaskPool::Work& work, const std::function<int(TaskPool&)>& lead) {
  if (number_in_environment("OMPI_COMM_WORLD_SIZE", 1) > 1) return lead_or_serve_ranks(std::max(1, jobs), work, lead);
  WorkerPool pool(worker_count(jobs), work);
  return lead(pool);
}

}  // namespace bondsim::tools
