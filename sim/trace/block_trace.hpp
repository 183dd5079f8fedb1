#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "models/dram/spec/command.hpp"
#include "models/results/results.hpp"
#include "models/schedule/schedule.hpp"
#include "models/system/system.hpp"

namespace bondsim {

/// A task on one executor, or a time in which the executor had none. Rows of a channel follow one another without gap or overlap; rows of
/// the NPU overlap, as its arrays, its vector units and its DMA work side by side.
struct TaskRow {
  ExecutorId executor = ExecutorId::npu();  ///< a channel, or the NPU as a whole
  std::int32_t task = -1;                   ///< index into Block::tasks; -1: none
  bool last = false;                        ///< no task: nothing left to do in the block, either
  Picoseconds start;
  Picoseconds end;
  TimeParts parts;        ///< of the executor's time; exclusive: the rows of an executor sum to the block's length
  Picoseconds rows_open;  ///< of a channel: time with a row open
  ChannelCounts counts;   ///< commands of a channel in [start, end)

  bool of_channel() const { return executor.is_channel(); }
  std::int32_t channel() const { return executor.channel(); }
  /// Place in traced_executors().
  std::size_t place() const { return of_channel() ? static_cast<std::size_t>(channel()) + 1 : 0; }
};

/// Names of the executors that have rows: `npu`, then the channels.
std::vector<std::string> traced_executors(const System& system);

/// The tasks of a block as they ran: rows by executor (NPU first, then the channels), then by start.
struct BlockTrace {
  const ScheduleHeader& header;
  const Block& block;
  std::int64_t index = 0;  ///< number of the block in the run
  Picoseconds start;
  Picoseconds end;
  std::vector<TaskRow> rows;
};

}  // namespace bondsim
