#pragma once
#include <cstdint>
#include <systemc>

#include "models/dram/spec/command.hpp"

namespace bondsim {

/// Told when work has ended; called from the channel's process, at the simulated time of the end.
class ChannelListener {
 public:
  virtual ~ChannelListener() = default;
  virtual void host_transfer_done(int channel, std::uint64_t tag) = 0;  ///< last data beat (read: at the NPU; write: on the bus)
  virtual void hb_transfer_done(int channel, std::uint64_t tag) = 0;    ///< last access of the slowest bank has ended
  virtual void mode_reached(int channel, ChannelMode mode) = 0;
};

/// What the NPU's DMA and the NMP controller see of a channel. Times are the kernel's; calls may come at any time, in any order
/// within a delta cycle: what was submitted at the same time is taken in the order (tag).
class ChannelPort : public virtual sc_core::sc_interface {
 public:
  /// Queues host work. Held while the channel is in NMP mode or leaving normal mode.
  virtual void submit(const HostTransfer& transfer) = 0;
  /// Asks for a mode: to nmp, drains the host transfers submitted before, precharges all banks, waits the mode change latency;
  /// to normal, ends when the HB work has ended, likewise. Answered by mode_reached().
  virtual void request_mode(ChannelMode mode) = 0;
  /// Queues HB work; only in NMP mode.
  virtual void submit(const HbTransfer& transfer) = 0;
  /// Exclusive times from 0 until now (the kernel's time); the parts sum to now.
  virtual ChannelTimes times_until_now() = 0;
  /// Commands issued until now for operator `op` (-1: none, e.g. refresh of a free channel).
  virtual ChannelCounts counts_until_now(int op) = 0;
};

}  // namespace bondsim
