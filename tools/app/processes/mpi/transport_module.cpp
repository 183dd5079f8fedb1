#include <mpi.h>

#include <list>
#include <vector>

#include "tools/app/processes/transport.hpp"

namespace bondsim::tools {
namespace {

class MpiTransport final : public Transport {
 public:
  MpiTransport() {
    MPI_Init(nullptr, nullptr);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks_);
  }
  ~MpiTransport() override {
    for (Sending& s : sending_) MPI_Wait(&s.request, MPI_STATUS_IGNORE);
    MPI_Finalize();
  }

  int rank() const override { return rank_; }
  int ranks() const override { return ranks_; }

  void send(int to, const std::string& message) override {
    sending_.push_back({message, {}});
    Sending& s = sending_.back();
    MPI_Isend(s.message.data(), static_cast<int>(s.message.size()), MPI_CHAR, to, 0, MPI_COMM_WORLD, &s.request);
  }

  bool receive(int& from, std::string& message) override {
    forget_sent();
    int there = 0;
    MPI_Status status;
    MPI_Iprobe(MPI_ANY_SOURCE, 0, MPI_COMM_WORLD, &there, &status);
    if (there == 0) return false;
    int size = 0;
    MPI_Get_count(&status, MPI_CHAR, &size);
    message.resize(static_cast<std::size_t>(size));
    from = status.MPI_SOURCE;
    MPI_Recv(message.data(), size, MPI_CHAR, from, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    return true;
  }

 private:
  struct Sending {
    std::string message;  ///< must stay where it is until it has gone
    MPI_Request request;
  };

  void forget_sent() {
    for (auto s = sending_.begin(); s != sending_.end();) {
      int gone = 0;
      MPI_Test(&s->request, &gone, MPI_STATUS_IGNORE);
      s = gone != 0 ? sending_.erase(s) : std::next(s);
    }
  }

  int rank_ = 0;
  int ranks_ = 1;
  std::list<Sending> sending_;
};

}  // namespace

extern "C" Transport* bondsim_open_transport() { return new MpiTransport; }

}  // namespace bondsim::tools
