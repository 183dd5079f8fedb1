#pragma once
#include "models/dram/host/command_choice.hpp"
#include "models/dram/host/request_queues.hpp"
#include "models/dram/host/row_buffers.hpp"
#include "models/dram/host/streams.hpp"
#include "models/dram/host/wck_sync.hpp"
#include "models/dram/host/write_drain.hpp"
#include "models/dram/timing/timing_state.hpp"

namespace bondsim {

/// Everything that decides what a host controller does next, but for the refresh that both modes of a channel share. Copying it is a
/// checkpoint.
struct HostState {
  TimingState timing;
  RowBuffers rows;
  RequestQueues queues;
  Streams streams;
  WriteDrain drain;
  WckSync wck;
  CommandChoice after_cas;  ///< the RD or WR that a CAS at the cycle before was for; none found: there is none
  bool row_timing = true;   ///< off: rows open and close at no cost of time
  bool write_turn = false;  ///< a write enters next, if there is one
  Cycle next = 0;           ///< next cycle at which anything may be decided
  Cycle decided = 0;        ///< first cycle that has not been decided
  Cycle data_end = 0;       ///< of the last data beat so far

  /// No request waits for a command.
  bool nothing_waits() const { return queues.empty() && !rows.unserved(); }
};

}  // namespace bondsim
