#pragma once
#include <deque>
#include <memory>

#include "models/base/task_pool.hpp"
#include "tools/app/processes/pool_server.hpp"
#include "tools/app/processes/transport.hpp"

namespace bondsim::tools {

/// The workers of every rank of a parallel job, as rank 0 sees them. A worker that dies is replaced and its work handed on by the rank's
/// PoolServer; a PoolServer that dies is reported, and its work given to other ranks. A rank that dies ends the job: MPI has it so.
class RankPool final : public TaskPool {
 public:
  RankPool(Transport& transport, PoolServer& own, int jobs);
  /// Tells the other ranks to end.
  ~RankPool() override;
  RankPool(const RankPool&) = delete;
  RankPool& operator=(const RankPool&) = delete;

  void run(const std::vector<std::string>& tasks, const Callbacks& callbacks) override;
  int workers() const override;

 private:
  struct Rank {
    bool lost = false;
    std::vector<std::size_t> tasks;  ///< of its batch, by their number there
    std::vector<bool> finished;
    bool busy = false;
  };
  struct Run {
    const std::vector<std::string>& tasks;
    const Callbacks& callbacks;
    std::deque<std::size_t> waiting;
    std::vector<int> losses;  ///< by task: servers lost with it
  };

  void hand_out(std::size_t rank, Run& run);
  void take(std::size_t rank, const std::string& line, Run& run);
  void lose(std::size_t rank, const std::string& how, Run& run);

  Transport& transport_;
  PoolServer& own_;
  std::size_t jobs_;
  std::vector<Rank> ranks_;
};

/// Loop of every rank but 0: hands on between its PoolServer and rank 0 until that tells it to end.
void serve_rank(Transport& transport, PoolServer& own);

}  // namespace bondsim::tools
