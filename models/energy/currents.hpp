#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/energy/entry.hpp"

namespace bondsim {

/// Which column of a table of currents prices a run.
enum class EnergyColumn { maximum, typical };

/// One current of one rail of a die, while a datasheet's measurement loop runs.
struct Current {
  double maximum_ma = 0;
  double typical_ma = 0;
  std::string source;  ///< of the maximum
  Confidence confidence = Confidence::estimate;

  double of(EnergyColumn column) const { return column == EnergyColumn::maximum ? maximum_ma : typical_ma; }
};

/// The currents of one supply rail of a die. A current that is not given is that of the standby state it lies over: the rail pays nothing
/// more for the action.
struct RailCurrents {
  std::string rail;  ///< VDD1, VDD2H, VDDQ
  double voltage_v = 0;
  bool io = false;               ///< the rail of the data pins: what it draws over standby is I/O, and NMP accesses do not pay it
  std::optional<Current> idd0;   ///< one bank activated and precharged every tRC
  std::optional<Current> idd2n;  ///< all banks precharged
  std::optional<Current> idd2p;  ///< power-down, all banks precharged
  std::optional<Current> idd3n;  ///< a bank open
  std::optional<Current> idd4r;  ///< reads without a gap, at idd4_bandwidth_gbps
  std::optional<Current> idd4w;  ///< writes without a gap
  std::optional<Current> idd5;   ///< REFab after REFab, every tRFCab
};

/// One die of a datasheet. A channel is as many dies as its capacity takes, side by side at a part of its data pins each: all of them
/// refresh and stand by, and share every row and every burst.
struct CurrentTable {
  std::string part;
  double die_gbit = 0;             ///< 2^30 bits
  int page_bytes = 0;              ///< of a row that ACT opens
  int rows_per_refresh = 0;        ///< rows of that size, all banks together, that a REFab restores
  double idd4_bandwidth_gbps = 0;  ///< GB/s (1e9 bytes) at which idd4r and idd4w were measured
  double t_rc_ns = 0;              ///< of the loop of idd0
  double t_ras_ns = 0;
  double t_rfc_ab_ns = 0;      ///< of the loop of idd5
  std::string typical_source;  ///< of every `typical_ma`
  Confidence typical_confidence = Confidence::estimate;
  EnergyEntry array_share;  ///< of a read's or write's energy on the rails that are not `io`: cells and column lines of the bank
  std::vector<RailCurrents> rails;
};

/// Energies of actions and powers at rest that one rail of one die pays.
struct RailEnergy {
  double activate_pj = 0;       ///< ACT1 to PRE of one row of page_bytes, over standby
  double read_pj_per_bit = 0;   ///< over active standby
  double write_pj_per_bit = 0;  ///< over active standby
  double refreshed_row_pj = 0;  ///< its part of a REFab, over precharge standby
  double precharge_standby_mw = 0;
  double active_standby_mw = 0;
  double power_down_mw = 0;
};

/// The equations of DRAMPower 6 (Steiner et al.), a rail at a time:
///   ACT + PRE = V (IDD0 tRC - IDD3N tRAS - IDD2N (tRC - tRAS)),  RD = V (IDD4R - IDD3N) / bandwidth,  REFab = V (IDD5 - IDD2N) tRFCab.
RailEnergy rail_energy(const CurrentTable& table, const RailCurrents& rail, EnergyColumn column);

/// Energy of one REFab of one die on all rails, in pJ.
double refresh_pj(const CurrentTable& table, EnergyColumn column);

template <class Visitor>
void fields(Visitor& v, Current& c) {
  v.field("maximum_ma", c.maximum_ma, required("the datasheet's maximum").range(0, 1e6).in("mA"));
  v.field("typical_ma", c.typical_ma, required("typical").range(0, 1e6).in("mA"));
  v.field("source", c.source, required("where the maximum comes from"));
  v.field("confidence", c.confidence, required("how far the maximum can be trusted"));
}
template <class Visitor>
void fields(Visitor& v, RailCurrents& c) {
  v.field("rail", c.rail, required("name of the rail"));
  v.field("voltage_v", c.voltage_v, required("supply voltage").range(0.01, 10).in("V"));
  v.field("io", c.io, defaulted("the rail of the data pins"));
  v.section("idd0", c.idd0, defaulted("one bank activated and precharged every t_rc"));
  v.section("idd2n", c.idd2n, defaulted("all banks precharged"));
  v.section("idd2p", c.idd2p, defaulted("power-down with all banks precharged"));
  v.section("idd3n", c.idd3n, defaulted("a bank open"));
  v.section("idd4r", c.idd4r, defaulted("reads without a gap"));
  v.section("idd4w", c.idd4w, defaulted("writes without a gap"));
  v.section("idd5", c.idd5, defaulted("REFab after REFab"));
}
template <class Visitor>
void fields(Visitor& v, CurrentTable& c) {
  v.field("part", c.part, required("the die"));
  v.field("die_gbit", c.die_gbit, required("capacity of the die, 2^30 bits").range(0.001, 1024).in("Gbit"));
  v.field("page_bytes", c.page_bytes, required("row that an ACT opens").range(1, 1 << 20).in("B"));
  v.field("rows_per_refresh", c.rows_per_refresh, required("rows that a REFab restores, all banks together").range(1, 1 << 20));
  v.field("idd4_bandwidth_gbps", c.idd4_bandwidth_gbps,
          required("data rate of idd4r and idd4w, 1 GB = 1e9 bytes").range(0.01, 1e4).in("GB/s"));
  v.field("t_rc_ns", c.t_rc_ns, required("ACT to ACT in the loop of idd0").range(1, 1e4).in("ns"));
  v.field("t_ras_ns", c.t_ras_ns, required("ACT to PRE in the loop of idd0").range(1, 1e4).in("ns"));
  v.field("t_rfc_ab_ns", c.t_rfc_ab_ns, required("REFab to REFab in the loop of idd5").range(1, 1e6).in("ns"));
  v.field("typical_source", c.typical_source, required("where the typical currents come from"));
  v.field("typical_confidence", c.typical_confidence, required("how far they can be trusted"));
  v.section("array_share", c.array_share, required("part of a burst's core energy that an access through a bank's own port pays"));
  v.sections("rails", c.rails, required("supply rails of the die"));
}

}  // namespace bondsim
