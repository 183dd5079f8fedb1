#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "sim/executors.hpp"

namespace bondsim {

/// Time parts by phase, prefill first.
using PhaseParts = std::array<TimeParts, 2>;
inline std::size_t phase_index(Phase phase) { return phase == Phase::prefill ? 0 : 1; }

/// Samples the executors of a replay and divides the time of each block into exclusive parts: of every channel and of the NPU, by phase.
///
/// In a block of one phase everything is of that phase. In one of both, a channel's time is its own task's phase; without one, that of an
/// npu_gemm that streams from it; without either, the block's. Of the NPU's, `compute` is the npu_gemm's, `vector` the first npu_vector's,
/// `host_transfer` the first host task's (or the npu_gemm's); the rest is the block's.
class BlockTimes {
 public:
  BlockTimes(const Executors& executors, const ScheduleHeader& header);

  /// @param block must stay until the block has ended
  void begin(const Block& block);
  /// Before the executor is given the task; after it has ended.
  void started(std::int32_t id, const Task& task);
  void ended(std::int32_t id, const Task& task);
  /// Parts since begin(); to be called once, at the block's end. An executor's free time after the last task that used it is idle.
  PhaseParts end_channel(std::size_t channel);
  PhaseParts end_npu();

 private:
  struct Channel {
    ChannelSample sample;  ///< cumulative, at the last cut
    std::int32_t touches_left = 0;
    Picoseconds free_at_last_touch;
    const Task* own = nullptr;     ///< task of its own that runs
    const Task* stream = nullptr;  ///< npu_gemm that streams from it
    PhaseParts parts;
  };

  Phase phase_of(const Task* task) const;
  const Task* first_on_npu(TaskKind kind) const;
  void cut_channel(std::size_t channel);
  void cut_npu();

  Executors executors_;
  const ScheduleHeader& header_;
  const Block* block_ = nullptr;
  bool mixed_ = false;  ///< the block has operators of both phases
  std::vector<Channel> channels_;
  std::map<std::int32_t, const Task*> on_npu_;  ///< tasks of the NPU that run
  NpuTimes npu_sample_;
  PhaseParts npu_parts_;
  std::int32_t npu_tasks_left_ = 0;
  Picoseconds npu_free_at_last_task_;
};

}  // namespace bondsim
