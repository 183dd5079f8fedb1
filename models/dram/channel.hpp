#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <systemc>

#include "models/base/quantity.hpp"
#include "models/schedule/extent.hpp"

namespace bondsim {

enum class ChannelMode { normal, nmp };

/// Work of one requester on the channel bus: the 32 B accesses of an extent.
struct HostTransfer {
  Extent extent;
  bool write = false;
  std::int32_t op = -1;   ///< operator charged for the commands; -1: none
  std::uint64_t tag = 0;  ///< handed back on completion; also orders transfers submitted at the same time
};

/// Work of the NMP controller behind the HB ports, all banks of the extent at once, in the order submitted.
struct HbTransfer {
  Extent extent;
  bool write = false;
  std::int32_t op = -1;
  std::uint64_t tag = 0;
};

/// Told when work has ended; called from the channel's process, at the simulated time of the end.
class ChannelListener {
 public:
  virtual ~ChannelListener() = default;
  virtual void host_transfer_done(int channel, std::uint64_t tag) = 0;  ///< last data beat (read: at the NPU; write: on the bus)
  virtual void hb_transfer_done(int channel, std::uint64_t tag) = 0;    ///< last access of the slowest bank has ended
  virtual void mode_reached(int channel, ChannelMode mode) = 0;
};

/// Where a channel's time went since time 0; exclusive, and the parts sum to the time asked for.
struct ChannelTimes {
  Picoseconds host_transfer;  ///< normal mode: data on the bus for host transfers
  Picoseconds host_row;       ///< normal mode: host work is queued, but rows, turnarounds or latencies keep the bus empty
  Picoseconds column;         ///< NMP mode: HB accesses
  Picoseconds row;            ///< NMP mode: ACT and PRE of HB transfers
  Picoseconds refresh;
  Picoseconds mode_switch;
  Picoseconds free;  ///< nothing to do
};

/// Commands and bytes, of one operator or all. Bytes are those the commands moved.
struct ChannelCounts {
  std::int64_t activates = 0;  ///< rows opened, bank by bank
  std::int64_t precharges = 0;
  std::int64_t reads = 0;  ///< RD on the channel bus
  std::int64_t writes = 0;
  std::int64_t hb_reads = 0;  ///< column accesses through one HB port
  std::int64_t hb_writes = 0;
  std::int64_t refreshes_all_bank = 0;
  std::int64_t refreshes_per_bank = 0;
  std::int64_t mode_changes = 0;
};

/// One command as a trace shows it. Fields that mean nothing for a command are -1.
enum class DramCommand { act1, act2, rd, wr, pre, prea, refab, refpb, nrd, nwr, mode_nmp, mode_normal };
struct CommandRecord {
  Picoseconds time;
  DramCommand command = DramCommand::act1;
  std::int32_t bank = -1;  ///< bank_group * banks_per_group + bank in the group; -1: all banks
  std::int32_t row = -1;
  std::int32_t column = -1;     ///< in units of columns of the organisation (a RD of burst 16 advances by 16)
  std::int32_t requester = -1;  ///< operator
};
class CommandSink {
 public:
  virtual ~CommandSink() = default;
  virtual void command(int channel, const CommandRecord& record) = 0;  ///< in time order per channel
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
