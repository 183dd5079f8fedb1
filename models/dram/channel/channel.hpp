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

/// A channel in NMP mode whose only caller runs ahead of the kernel: nothing that others submit meanwhile takes part before the mode is
/// left. All times are simulated times from the present one on, none before an earlier one.
class BanksAhead {
 public:
  virtual ~BanksAhead() = default;
  virtual void submit(const HbTransfer& transfer, Picoseconds at) = 0;
  /// Decides until the next end of an HB transfer, and until `limit` where none ends before. @return the time reached
  virtual Picoseconds run_ahead_to_end(Picoseconds limit) = 0;
  /// Number of the last HB transfer that has ended by `at`, of those not yet taken; 0: none has.
  virtual std::uint64_t take_ended(Picoseconds at) = 0;
  virtual ChannelTimes times_at(Picoseconds at) = 0;
  /// The kernel comes to this time before anybody asks the channel for anything but to hold host work.
  virtual void stay_ahead_until(Picoseconds time) = 0;
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
  /// In NMP mode: the channel for a caller that runs ahead of the kernel; null where its commands or decisions are watched as they come.
  virtual BanksAhead* ahead() { return nullptr; }
};

}  // namespace bondsim
