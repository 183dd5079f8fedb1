#pragma once
#include <cstdint>
#include <vector>

#include "models/dram/spec/command.hpp"
#include "models/results/results.hpp"
#include "models/system/machine_energy.hpp"
#include "models/system/system.hpp"
#include "sim/busy_meter.hpp"

namespace bondsim {

/// Collects what a run did, operator by operator and channel by channel, and turns counted actions into energy.
class Ledger {
 public:
  Ledger(const System& system, const ScheduleHeader& header);

  /// An execution of operator `op`: MACs, SRAM and vector work of one task.
  void add_task(const Task& task, std::int64_t repeat);
  /// DRAM commands of one channel for an operator (-1: none) in a block.
  void add_commands(int channel, int op, Phase phase, const ChannelCounts& counts, std::int64_t repeat);
  /// The part of a block's length that is of a phase.
  void add_time(Phase phase, Picoseconds length, std::int64_t repeat);
  /// One execution of an operator in a block, from its first task's start to its last task's end.
  void add_span(int op, Picoseconds span, std::int64_t repeat);
  /// Busy times of a block: the run's, and those of an executor (channels by number, then the arrays, then the vector units).
  void add_busy(Phase phase, const BusyTimes& times, std::int64_t repeat);
  void add_executor_busy(std::size_t executor, Phase phase, const BusyTimes& times, std::int64_t repeat);
  /// How long a channel had a row open in a block.
  void add_rows_open(int channel, Phase phase, Picoseconds length, std::int64_t repeat);
  void add_channel_time(Phase phase, int channel, const TimeParts& parts, std::int64_t repeat);
  void add_npu_time(Phase phase, const TimeParts& parts, std::int64_t repeat);

  /// Ends a block of `length`: what was added since the last one is the energy that channels and NPU took in it.
  /// @return that energy, of one execution
  Attojoules end_block(Picoseconds length, std::int64_t repeat);

  /// Fills operators, channels, npu and energy of `results`.
  void finish(Results& results) const;

 private:
  /// Index of the phase's row for what belongs to no operator.
  std::size_t background(Phase phase) const;
  /// Counts of an operator's row that are priced as a channel's, or as the NPU's, are.
  EnergyCounts& counts_of(std::size_t row, int channel) { return counts_[row][energy_.class_of(channel)]; }
  EnergyCounts& npu_counts_of(std::size_t row) { return counts_[row][MachineEnergy::npu_class]; }

  const System& system_;
  MachineEnergy energy_;  ///< at maximum currents
  MachineEnergy typical_;
  std::vector<OperatorResult> operators_;          ///< the schedule's, then one a phase for what belongs to none
  std::vector<std::vector<EnergyCounts>> counts_;  ///< of each of `operators_`, by energy class
  std::vector<ChannelResult> channels_;
  std::vector<std::int64_t> pes_;          ///< of each channel
  std::vector<ExecutorResult> executors_;  ///< channels by number, npu.arrays, npu.vector
  std::vector<EnergyCounts> block_;        ///< of each channel, then of the NPU, in the block under way
  PowerResult npu_power_;
  TimeParts npu_, npu_prefill_;
};

}  // namespace bondsim
