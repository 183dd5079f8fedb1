#pragma once
#include <vector>

#include "models/dram/spec/command.hpp"
#include "models/nmp/state.hpp"
#include "models/npu/state.hpp"
#include "models/schedule/simulation_listener.hpp"
#include "sim/trace/block_trace.hpp"
#include "sim/trace/window.hpp"

namespace bondsim {

/// Fans out what happens in a simulation to its listeners. A run without a trace has no hub: nothing is sampled, recorded or told; with
/// one, only what some listener hears is.
class TraceHub final : public SimulationListener {
 public:
  /// Calls that a listener gets. It says so beforehand, as recording costs time.
  struct Hears {
    bool commands = false;  ///< command()
    bool blocks = false;    ///< elaborated(), block_began(), block_ended(), run_ended()
    bool states = false;    ///< nmp_changed(), npu_changed()
  };

  TraceWindow window;       ///< of commands
  Picoseconds run_end;      ///< in simulated time; known at the end, where blocks are heard
  bool one_by_one = false;  ///< commands of the window must come at their time

  /// @param listener must outlive the hub's use
  void add(SimulationListener& listener, Hears hears) {
    if (hears.commands) commands_.push_back(&listener);
    if (hears.blocks) blocks_.push_back(&listener);
    if (hears.states) states_.push_back(&listener);
  }
  bool hears_commands() const { return !commands_.empty(); }
  bool hears_blocks() const { return !blocks_.empty(); }
  bool hears_states() const { return !states_.empty(); }

  void command(int channel, const CommandRecord& record) override {
    if (!window.holds(record.time)) return;
    for (SimulationListener* listener : commands_) listener->command(channel, record);
  }
  void elaborated() override {
    for (SimulationListener* listener : blocks_) listener->elaborated();
  }
  void block_began(const Block& block, Picoseconds now) override {
    for (SimulationListener* listener : blocks_) listener->block_began(block, now);
  }
  void block_ended(const BlockTrace& trace) override {
    for (SimulationListener* listener : blocks_) listener->block_ended(trace);
  }
  void run_ended(Picoseconds now) override {
    run_end = now;
    for (SimulationListener* listener : blocks_) listener->run_ended(now);
  }
  void nmp_changed(int channel, const NmpState& state) override {
    for (SimulationListener* listener : states_) listener->nmp_changed(channel, state);
  }
  void npu_changed(const NpuState& state) override {
    for (SimulationListener* listener : states_) listener->npu_changed(state);
  }

 private:
  std::vector<SimulationListener*> commands_, blocks_, states_;
};

}  // namespace bondsim
