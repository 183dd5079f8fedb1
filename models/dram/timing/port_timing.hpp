#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "models/base/clock.hpp"
#include "models/dram/spec/hb_config.hpp"
#include "models/dram/spec/timing_rules.hpp"

/// Timing of a bank behind its HB port: the one place where the rules become row periods, gaps and rounds. The engine (models/dram/hb), the
/// walk of tilings (mapping/tiling) and the closed forms take it from here; the trace checker (models/dram/check) derives its own.
namespace bondsim {

/// The rules that rows and accesses behind the ports obey, in cycles of CK.
struct PortCycles {
  Cycle rcd = 0, rcd_write = 0, ras = 0, rc = 0;
  Cycle rp = 0, rp_ab = 0, rp_refresh = 0;  ///< PRE to ACT, PREA to ACT, PREA to REFab
  Cycle rtp = 0, wr = 0, wtr = 0;           ///< from an access's begin, end, end
  Cycle rrd = 0, faw = 0, rfc = 0;
  Cycle rfc_pb = 0, refpb_to_act = 0, refpb_to_refpb = 0, act_to_refpb = 0;  ///< REFpb: its bank, other banks (three)
};
PortCycles port_cycles(const std::vector<TimingRule>& rules);

/// Bursts between the bus and the buffers of the PEs, in cycles of CK: from one to the next, and from the last command to the end of its
/// data.
struct BusCycles {
  Cycle burst = 0, read = 0, write = 0;
};
BusCycles bus_cycles(const DramTiming& timing);

/// The same in picoseconds, with the sizes of a page and of an access.
struct PortTiming {
  std::int64_t ck = 1;  ///< one CK, rounded
  std::int64_t page_bytes = 1, access_bytes = 1, access = 1;
  std::int64_t rcd = 0, rp = 0, ras = 0, rc = 0, wr = 0, rtp = 0, wtr = 0, rp_ab = 0, rfc = 0;
  std::int64_t refi = 0;                      ///< of a bank; 0: no refresh
  std::int64_t close = 0;                     ///< from the PRE or PREA of open rows to the refresh
  std::int32_t turns = 1;                     ///< refreshes in refi, each of other banks: 1 for REFab
  std::int64_t postponed = 0;                 ///< refresh comes so much later where work waits (busy_delay() for long rows),
  std::int64_t pulled_in = 0;                 ///< and so much earlier where none does
  std::int64_t slack = 0;                     ///< left of the intervals that may be postponed, for the row under way
  std::int64_t stagger = 0;                   ///< from the ACT of a round's first bank to that of its last; 0: all at once
  std::int64_t round = 0;                     ///< from the ACT of a bank in one round to that in the next at the earliest; 0: all at once
  std::int64_t bus_bytes = 1, bus_burst = 0;  ///< a burst between the buses and the PEs' buffers: bytes, and from one to the next
  std::int64_t bus_read = 0, bus_write = 0;   ///< from the last such command to the end of its data
  bool subarrays = false;                     ///< the next row opens in another subarray under the accesses of the present one

  std::int64_t page_accesses() const { return page_bytes / access_bytes; }
  /// How long refresh is put off while rows are read in `passes`, an access every `pace`: the row begun last must end in time.
  std::int64_t busy_delay(std::int64_t passes, std::int64_t pace) const {
    if (postponed == 0) return 0;
    const std::int64_t row = rcd + rp + page_accesses() * passes * std::max(pace, access);
    return std::max<std::int64_t>(0, postponed - std::max<std::int64_t>(0, row - slack));
  }
  std::int64_t bus_bursts(std::int64_t bytes) const { return (bytes + bus_bytes - 1) / bus_bytes; }
  /// End of `bytes` between the bus and the buffers whose first command comes at `start`.
  std::int64_t bus_end(std::int64_t start, std::int64_t bytes, bool write) const {
    return start + (bus_bursts(bytes) - 1) * bus_burst + (write ? bus_write : bus_read);
  }
  /// First time at which a row may be closed after accesses that end at `end`.
  std::int64_t closable(std::int64_t end, bool write) const { return write ? end + wr : std::max(end, end - access + rtp); }
};

/// @param rules of the part (timing_rules), @param clock CK
/// @param refresh policy; null: the channel is never refreshed
PortTiming port_timing(const DramConfig& dram, const BankPorts& ports, const std::vector<TimingRule>& rules, const Clock& clock,
                       const ControllerConfig* refresh);
PortTiming port_timing(const DramConfig& dram, const BankPorts& ports, const ControllerConfig& refresh);
/// @param refresh REFab when it is due, or none
PortTiming port_timing(const DramConfig& dram, const BankPorts& ports, bool refresh);

/// From a row's ACT to the PRE that may follow its `accesses`, on an edge of CK.
std::int64_t row_end_ps(const PortTiming& timing, std::int64_t accesses, bool write);
/// From row to row of a stream, each of `accesses` accesses.
std::int64_t row_period_ps(const PortTiming& timing, std::int64_t accesses, bool write);
/// Pause between the accesses of two whole rows read one after the other.
std::int64_t row_gap_ps(const PortTiming& timing);
/// From the last of a row's `accesses` to the first access of another tensor's row.
std::int64_t change_ps(const PortTiming& timing, std::int64_t accesses, bool write);
/// Excess of a refresh at a row boundary, where PREA and tRFC stand in place of a PRE.
std::int64_t refresh_ps(const PortTiming& timing);

}  // namespace bondsim
