#pragma once
#include <cstdint>

#include "models/base/quantity.hpp"
#include "models/schedule/extent.hpp"

namespace bondsim {

/// Who the banks of a channel serve: its bus (normal), or the PEs behind their ports (nmp).
enum class ChannelMode { normal, nmp };

/// Work of one requester on the channel bus: the burst accesses of an extent.
struct HostTransfer {
  Extent extent;
  bool write = false;
  std::int32_t op = -1;   ///< operator charged for the commands; -1: none
  std::uint64_t tag = 0;  ///< handed back on completion; also orders transfers submitted at the same time
};

/// Work of the NMP controller, in the order submitted: behind the HB ports, all banks of the extent at once, or, where it has `bus_bytes`,
/// between the channel bus and the buffers of the PEs, past the banks.
struct HbTransfer {
  Extent extent;
  bool write = false;
  std::int32_t op = -1;
  std::uint64_t tag = 0;
  std::int64_t passes = 1;     ///< times each row's columns are read, one pass after the other
  std::int64_t pace_ps = 0;    ///< from access to access, where PEs take longer for one than the port; 0: the port's time
  std::int64_t bus_bytes = 0;  ///< the extent is left out; `write`: to the buffers
};

/// Where a channel's time went since time 0; the parts before `rows_open` are exclusive and sum to the time asked for.
struct ChannelTimes {
  Picoseconds host_transfer;  ///< data on the bus for host transfers, or, in NMP mode, between the bus and the buffers of the PEs
  Picoseconds host_row;       ///< normal mode: host work is queued, but rows, turnarounds or latencies keep the bus empty
  Picoseconds column;         ///< NMP mode: HB accesses
  Picoseconds row;            ///< NMP mode: ACT and PRE of HB transfers
  Picoseconds refresh;
  Picoseconds mode_switch;
  Picoseconds free;       ///< nothing to do
  Picoseconds rows_open;  ///< at least one bank has an open row (ACT1 to PRE); overlaps the other parts
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
  std::int64_t managements_all_bank = 0;  ///< RFMab
  std::int64_t managements_per_bank = 0;  ///< RFMpb
  std::int64_t mode_changes = 0;
  std::int64_t buffer_reads = 0;  ///< bursts over the channel bus from result registers, past the banks
  std::int64_t buffer_writes = 0;
};

ChannelTimes& operator+=(ChannelTimes& a, const ChannelTimes& b);
ChannelTimes operator-(ChannelTimes a, const ChannelTimes& b);
ChannelCounts& operator+=(ChannelCounts& a, const ChannelCounts& b);
ChannelCounts operator-(ChannelCounts a, const ChannelCounts& b);

/// Commands of a channel. Normal mode has act1 to refpb and, on a channel whose WCK stops, the CAS that starts it for a read or a write
/// (JESD209-5B: CAS with WS_RD or WS_WR); NMP mode has act1, pre, prea, refab, refpb and the column accesses through HB ports, nrd and nwr;
/// mode_* begin a mode change; rdb and wrb are bursts between the bus and the buffers of the PEs, in NMP mode; rfmab and rfmpb are the
/// refreshes that refresh management adds, timed like refab and refpb.
enum class DramCommand : std::uint8_t {
  act1,
  act2,
  rd,
  wr,
  pre,
  prea,
  refab,
  refpb,
  nrd,
  nwr,
  mode_nmp,
  mode_normal,
  cas_rd,
  cas_wr,
  rfmab,
  rfmpb,
  rdb,
  wrb
};
inline constexpr int dram_commands = 18;

/// Name of a command as traces write it: ACT1, ACT2, RD, ..., REFab, REFpb, NRD, NWR, MODE_NMP, MODE_NORMAL, CAS_RD, CAS_WR, RFMab, RFMpb,
/// RDB, WRB.
const char* command_name(DramCommand command);

/// One command as a trace shows it. Fields that mean nothing for a command are -1.
struct CommandRecord {
  Picoseconds time;
  DramCommand command = DramCommand::act1;
  std::int32_t bank =
      -1;  ///< counted through all ranks; -1: all banks. With several ranks PREA and REFab name their rank by its first bank
  std::int32_t row = -1;
  std::int32_t column = -1;     ///< in units of columns of the organisation (a RD of burst 16 advances by 16)
  std::int32_t requester = -1;  ///< operator
};

/// Second-order effects of a channel that can be switched off, and how the kernel runs it.
struct ChannelSwitches {
  bool row_timing = true;      ///< off: activates and precharges are counted but take no time
  bool refresh = true;         ///< off: no refresh
  bool mode_switch = true;     ///< off: a mode change takes no time after the drain
  bool bus_contention = true;  ///< off: host transfers of an operator have a bus to themselves, at its peak; they issue no commands
  bool column_trains = true;   ///< off: one kernel event per decision; never changes a result
};

}  // namespace bondsim
