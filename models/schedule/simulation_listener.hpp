#pragma once
#include "models/base/quantity.hpp"

namespace bondsim {

struct Block;
struct BlockTrace;
struct CommandRecord;
struct NmpState;
struct NpuState;

/// Hears what happens in a simulation, at the simulated time at which it happens; changes nothing. Each call is empty by default.
class SimulationListener {
 public:
  virtual ~SimulationListener() = default;
  /// The modules stand, time does not run yet.
  virtual void elaborated() {}
  /// A DRAM command, in time order per channel.
  virtual void command(int /*channel*/, const CommandRecord& /*record*/) {}
  /// A channel's NMP side, or the NPU, has changed. The same state may come twice.
  virtual void nmp_changed(int /*channel*/, const NmpState& /*state*/) {}
  virtual void npu_changed(const NpuState& /*state*/) {}
  /// A block begins, or has ended with what its tasks did.
  virtual void block_began(const Block& /*block*/, Picoseconds /*now*/) {}
  virtual void block_ended(const BlockTrace& /*trace*/) {}
  /// The run is complete.
  virtual void run_ended(Picoseconds /*now*/) {}
};

}  // namespace bondsim
