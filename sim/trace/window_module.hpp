#pragma once
#include <functional>
#include <systemc>
#include <vector>

#include "models/dram/channel/channel_module.hpp"
#include "models/schedule/simulation_listener.hpp"
#include "sim/trace/hub.hpp"

namespace bondsim {

/// Turns the recording of commands on where the window begins and off where it ends: outside of it the channels run as fast as without a
/// trace.
class WindowGate : public sc_core::sc_module, public SimulationListener {
 public:
  /// Adds itself to the hub's listeners but where the whole run is recorded: a window ends with the run at the latest.
  WindowGate(sc_core::sc_module_name name, TraceHub& hub, std::vector<DramChannel*> channels);

  void block_began(const Block& block, Picoseconds t) override;
  void block_ended(const BlockTrace& trace) override;
  void run_ended(Picoseconds t) override;

 private:
  void turn();
  void record(bool on);

  TraceHub& hub_;
  std::vector<DramChannel*> channels_;
  bool open_ = false;
  std::int32_t step_ = -1;
  sc_core::sc_event due_;
};

}  // namespace bondsim
