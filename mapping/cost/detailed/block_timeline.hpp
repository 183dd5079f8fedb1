#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <queue>
#include <tuple>
#include <vector>

#include "mapping/cost/detailed/task_timing.hpp"

namespace bondsim::cost {

/// The tasks of one block along their dependencies, and what they share: a channel's bus serves the transfers of its own task and the
/// stream of an npu_gemm, those submitted first before others, and writes before reads (a write queue that fills faster than it drains is
/// served until the writes end); behind its ports a channel serves nobody else. Transfers are whole, not bursts: an event for each, and for
/// each chunk of a stream on each channel. Times in picoseconds.
class BlockTimeline {
 public:
  /// @param start of the block in its run; nothing is under way then
  BlockTimeline(const TaskTiming& timing, const Block& block, double start);

  /// From the block's start to its end.
  double run();

 private:
  enum class What { bus, chunk_computed, vector_ended, nmp_ended, reopened, launched };
  struct Event {
    double time = 0;
    std::int64_t number = 0;
    What what = What::bus;
    std::int32_t id = 0;       ///< channel, or task
    std::int64_t version = 0;  ///< bus: of the channel's service
    bool operator>(const Event& other) const { return std::tie(time, number) > std::tie(other.time, other.number); }
  };

  /// A task's transfer, or a chunk of the stream of an npu_gemm.
  struct Transfer {
    double work = 0;  ///< left, on a bus that is its own
    std::int32_t task = -1;
    std::int32_t chunk = -1;
  };

  struct Channel {
    std::array<std::deque<Transfer>, 2> queues;  ///< reads, writes
    std::deque<std::pair<bool, Transfer>> held;  ///< come while the channel is not open to the host
    bool serving = false, writes = false;
    double since = 0;  ///< the present service got the bus
    double due = 0;    ///< next refresh
    std::int64_t version = 0;
    std::int32_t nmp = -1;  ///< work beside the banks that waits or runs
    bool closed = false;    ///< behind the ports, or on the way there or back
    bool leaving = false;   ///< on the way back
    bool running = false;   ///< nmp
    bool in_nmp = false, used = false, wrote = false;
  };

  /// The npu_gemm on the arrays.
  struct Stream {
    std::int32_t task = -1;
    std::vector<std::pair<std::int32_t, BusTransfer>> channels;
    double compute = 0;  ///< of a chunk
    std::int32_t next_load = 0, next_compute = 0;
    std::map<std::int32_t, int> outstanding;
    bool computing = false;
  };

  std::size_t queue_of(const Task& task) const;
  void try_start(std::size_t queue);
  void try_start_vectors();
  void start(std::int32_t id);
  void begin_work(std::int32_t id);
  void end(std::int32_t id);
  void schedule(double time, What what, std::int32_t id, std::int64_t version = 0) { events_.push({time, number_++, what, id, version}); }

  void submit(std::int32_t channel, bool write, const Transfer& transfer);
  void serve(std::int32_t channel);
  void pause(Channel& c);
  void bus_ended(std::int32_t channel);
  void enter_nmp(std::int32_t channel);
  void nmp_ended(std::int32_t channel);
  void reopen(std::int32_t channel);
  void advance_stream();

  const TaskTiming& timing_;
  const Block& block_;
  double now_ = 0;
  std::int64_t number_ = 0;
  std::size_t channel_count_ = 0;
  std::vector<Channel> channels_;
  std::vector<std::vector<std::int32_t>> queues_;  ///< channels, arrays, vector units, barriers
  std::vector<std::size_t> heads_;
  std::vector<std::int32_t> waits_for_;
  std::vector<std::vector<std::int32_t>> successors_;
  std::vector<bool> started_, ended_;
  Stream stream_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
};

}  // namespace bondsim::cost
