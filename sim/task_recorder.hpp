#pragma once
#include <cstdint>
#include <map>
#include <systemc>
#include <vector>

#include "models/schedule/simulation_listener.hpp"
#include "sim/executors.hpp"
#include "sim/trace/block_trace.hpp"

namespace bondsim {

/// Observes a replay: samples the executors where tasks begin and end, and hands the rows of each block to a sink. It changes nothing of
/// the simulation; a replay that nobody traces has none.
///
/// A channel's time is cut where a task of its own begins or ends. Where it has none, an npu_gemm that streams from it has the time.
/// Time that the NPU's account books while several of its tasks run is the npu_gemm's for `compute`, an npu_vector's for `vector`, a host
/// task's (or else the npu_gemm's) for `host_transfer`; of several, the first in the schedule.
class TaskRecorder {
 public:
  TaskRecorder(const Executors& executors, const ScheduleHeader& header, SimulationListener& sink);

  /// @param block must stay until end_block().
  void begin_block(const Block& block);
  /// Before the executor is given the task; after it has ended.
  void started(std::int32_t task);
  void ended(std::int32_t task);
  void end_block();
  void end_run() { sink_.run_ended(now()); }

 private:
  struct Channel {
    std::int32_t own = -1;     ///< task of its own that runs
    std::int32_t stream = -1;  ///< npu_gemm that streams from it
    Picoseconds since;         ///< end of the last row
    ChannelSample sample;
    ChannelCounts counts;
    std::size_t touched = 0;  ///< rows until the end of the last task that used the channel
    std::vector<TaskRow> rows;
  };

  const Task& task_of(std::int32_t task) const { return block_->tasks[static_cast<std::size_t>(task)]; }
  ChannelCounts counts_of(std::size_t channel) const;
  void cut_channel(std::size_t channel, bool keep_empty);
  void cut_npu();
  template <class Fits>
  std::size_t npu_row_of(Fits fits) const;
  void check_sums(const std::vector<TaskRow>& rows, Picoseconds length) const;
  static Picoseconds now();

  Executors executors_;
  const ScheduleHeader& header_;
  SimulationListener& sink_;
  const Block* block_ = nullptr;
  std::int64_t index_ = -1;
  Picoseconds start_;
  std::vector<Channel> channels_;

  std::map<std::int32_t, std::size_t> running_;  ///< NPU tasks that run: their rows
  std::vector<TaskRow> npu_rows_;
  NpuTimes npu_sample_;
  Picoseconds npu_since_;
  std::size_t npu_touched_ = 0;
};

}  // namespace bondsim
