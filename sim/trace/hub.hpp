#pragma once
#include <exception>
#include <functional>
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

  /// Called when a listener has thrown, once: the simulation need not go on.
  std::function<void()> failed;
  /// Throws what a listener threw as what it was: exceptions lose their type crossing the kernel.
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

  void command(int channel, const CommandRecord& record) override {
    if (!window.holds(record.time)) return;
    tell(commands_, [&](SimulationListener& listener) { listener.command(channel, record); });
  }
  void elaborated() override {
    tell(blocks_, [](SimulationListener& listener) { listener.elaborated(); });
  }
  void block_began(const Block& block, Picoseconds now) override {
    tell(blocks_, [&](SimulationListener& listener) { listener.block_began(block, now); });
  }
  void block_ended(const BlockTrace& trace) override {
    tell(blocks_, [&](SimulationListener& listener) { listener.block_ended(trace); });
  }
  void run_ended(Picoseconds now) override {
    run_end = now;
    tell(blocks_, [&](SimulationListener& listener) { listener.run_ended(now); });
  }
  void nmp_changed(int channel, const NmpState& state) override {
    tell(states_, [&](SimulationListener& listener) { listener.nmp_changed(channel, state); });
  }
  void npu_changed(const NpuState& state) override {
    tell(states_, [&](SimulationListener& listener) { listener.npu_changed(state); });
  }

 private:
  template <class Call>
  void tell(const std::vector<SimulationListener*>& listeners, const Call& call) {
    if (failure_) return;
    try {
      for (SimulationListener* listener : listeners) call(*listener);
    } catch (...) {
      failure_ = std::current_exception();
      if (failed) failed();
    }
  }

  std::exception_ptr failure_;
  std::vector<SimulationListener*> commands_, blocks_, states_;
};

}  // namespace bondsim
