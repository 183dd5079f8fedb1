#pragma once
#include <string>

namespace bondsim::tools {

/// Messages between the ranks of a parallel job.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual int rank() const = 0;
  virtual int ranks() const = 0;
  /// Returns at once; the message arrives some time after.
  virtual void send(int to, const std::string& message) = 0;
  /// The next message there is, in the order of its sender; false when there is none.
  virtual bool receive(int& from, std::string& message) = 0;
};

/// Entry point of the loadable module (tools/app/processes/mpi/): joins the job that this process was started in.
/// A module, so that only a process that mpirun started loads the MPI library.
extern "C" Transport* bondsim_open_transport();

}  // namespace bondsim::tools
