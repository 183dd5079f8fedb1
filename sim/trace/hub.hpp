#pragma once
#include <vector>

#include "models/dram/spec/command.hpp"
#include "models/nmp/observer.hpp"
#include "models/npu/observer.hpp"
#include "sim/trace/task_sink.hpp"
#include "sim/trace/window.hpp"

namespace bondsim {

/// Everything that traces may listen to, and who does. A run without a trace has no hub: nothing is sampled, recorded or told.
struct TraceHub final : CommandSink, TaskSink, NmpObserver, NpuObserver {
  TraceWindow window;       ///< of commands
  Picoseconds run_end;      ///< in simulated time; known at the end, where tasks are listened to
  bool one_by_one = false;  ///< commands of the window must come at their time
  std::vector<CommandSink*> command_sinks;
  std::vector<TaskSink*> task_sinks;
  std::vector<NmpObserver*> nmp_observers;
  std::vector<NpuObserver*> npu_observers;

  void command(int channel, const CommandRecord& record) override {
    if (!window.holds(record.time)) return;
    for (CommandSink* sink : command_sinks) sink->command(channel, record);
  }
  void elaborated() override {
    for (TaskSink* sink : task_sinks) sink->elaborated();
  }
  void block_began(const Block& block, Picoseconds t) override {
    for (TaskSink* sink : task_sinks) sink->block_began(block, t);
  }
  void block_ended(const BlockTrace& trace) override {
    for (TaskSink* sink : task_sinks) sink->block_ended(trace);
  }
  void run_ended(Picoseconds t) override {
    run_end = t;
    for (TaskSink* sink : task_sinks) sink->run_ended(t);
  }
  void nmp_changed(int channel, const NmpState& state) override {
    for (NmpObserver* observer : nmp_observers) observer->nmp_changed(channel, state);
  }
  void npu_changed(const NpuState& state) override {
    for (NpuObserver* observer : npu_observers) observer->npu_changed(state);
  }
};

}  // namespace bondsim
