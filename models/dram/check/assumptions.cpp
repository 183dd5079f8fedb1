#include "models/dram/check/assumptions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "models/base/error.hpp"

namespace bondsim {
namespace {

constexpr const char* core = "JESD209-5B, core timings";
constexpr const char* state = "JESD209-5B, bank states";
constexpr const char* columns = "JESD209-5B, column timings in bank-group mode";
constexpr const char* refresh = "JESD209-5B, refresh command scheduling (table 235)";
constexpr const char* ports = "ASSUMED: a bank behind its HB port keeps its core timings; accesses follow each other at the port's rate";
constexpr const char* modes = "ASSUMED: a mode changes with all banks precharged and no refresh or data under way";
constexpr const char* trace = "format of the trace";

const std::vector<Assumption> table = {
    {"time_order", "time does not go back", "", trace},
    {"bank_range", "the bank exists", "", trace},
    {"row_range", "the row exists", "", trace},
    {"column_range", "the column is the first of a burst or access", "", trace},
    {"clock_edge", "commands of the channel bus and to rows come on an edge of CK", "ck_mhz", core},
    {"command_bus", "one command a cycle on the channel bus; with pseudo channels one to rows and one to columns", "1 tCK",
     "JESD209-5B: every command takes one CK (the CA bus has two edges); JESD235: row and column command buses, which pseudo channels "
     "share"},
    {"tAAD", "ACT1 to ACT2 at most", "n_aad", core},
    {"tAAD_min", "ACT1 to ACT2 at least", "n_aad_min", "JESD209-5B: ACT2 comes after ACT1, one command a CK"},
    {"wck_stopped", "a RD or WR finds WCK running, or comes at the CK after a CAS", "n_cl or n_cwl, + n_bl_min + n_wckpst",
     "JESD209-5B, WCK2CK synchronisation; tables 352-353 (as given in Ramulator 2.1: nCAS 0, nWCKPST 1)"},
    {"cas_alone", "a CAS is followed by its RD or WR at the next CK", "1 tCK", "JESD209-5B, CAS command: it comes right before RD or WR"},
    {"act_to_open_bank", "ACT1 finds the bank closed", "", state},
    {"act2_without_act1", "ACT2 follows an ACT1 of the bank", "", state},
    {"act2_row", "ACT2 names the row of its ACT1", "", state},
    {"column_to_closed_bank", "a column access finds a row open", "", state},
    {"column_to_other_row", "the open row is the one accessed", "", state},
    {"column_before_act2", "ACT2 comes before the first access", "", state},
    {"precharge_half_open", "PRE comes after ACT2", "", state},
    {"tRC", "ACT1 to ACT1 of the bank", "n_rc", core},
    {"tRP_pb", "PRE to ACT1 of the bank", "n_rp_pb", core},
    {"tRP_ab", "PREA to ACT1", "n_rp_ab", core},
    {"tRRD", "ACT1 to ACT1 of another bank", "n_rrd", core},
    {"tFAW", "ACT1 to the fourth ACT1 after it", "n_faw", core},
    {"tRCD", "ACT1 to RD or WR", "n_rcd", core},
    {"tRAS", "ACT1 to PRE", "n_ras", core},
    {"tRAS_all", "ACT1 of any bank to PREA", "n_ras", core},
    {"tRTP", "RD to PRE", "n_rtp", core},
    {"tRTP_all", "RD of any bank to PREA", "n_rtp", core},
    {"tWR", "WR to PRE: end of data, then write recovery", "n_cwl + n_bl_min + n_wr", core},
    {"tWR_all", "WR of any bank to PREA", "n_cwl + n_bl_min + n_wr", core},
    {"tPPD", "PRE or PREA to PRE", "n_ppd", core},
    {"tPPD_all", "PRE to PREA", "n_ppd", core},
    {"tCCD_S_read", "RD to RD", "n_ccd_s", columns},
    {"tCCD_L_read", "RD to RD of the bank group", "n_ccd_l", columns},
    {"tCCD_S_write", "WR to WR", "n_ccd_s", columns},
    {"tCCD_L_write", "WR to WR of the bank group", "n_ccd_l", columns},
    {"tRTW", "RD to WR", "n_rtw", columns},
    {"tWTR_S", "WR to RD", "n_cwl + n_bl_min + n_wtr_s", columns},
    {"tWTR_L", "WR to RD of the bank group", "n_cwl + n_bl_max + n_wtr_l", columns},
    {"data_bus", "bursts do not overlap on the data bus", "n_cl or n_cwl, n_bl_min", columns},
    {"tRTRS", "data of one rank to data of another", "n_rtrs",
     "as Ramulator 2.1's LPDDR5 and DDR presets have it (nCS): a pause of the shared data bus"},
    {"refresh_with_open_bank", "the banks refreshed are closed", "", state},
    {"tRFC_ab", "REFab to ACT1", "t_rfc_ab_ns", refresh},
    {"tRFC_ab_refresh", "REFab to REFab and REFpb", "t_rfc_ab_ns", refresh},
    {"tRFC_pb", "REFpb to ACT1 of the same bank", "t_rfc_pb_ns", refresh},
    {"tRFC_pb_same_bank", "REFpb to REFpb of the same bank", "t_rfc_pb_ns", refresh},
    {"tRFC_pb_refresh", "REFpb to REFab", "t_rfc_pb_ns", refresh},
    {"tpbR2act", "REFpb to ACT1 of another bank", "t_pbr2act_ns", refresh},
    {"tpbR2pbR", "REFpb to REFpb of another bank", "t_pbr2pbr_ns", refresh},
    {"ACT_to_REFpb", "ACT1 to REFpb of another bank", "n_rrd",
     "JESD209-4, refresh command scheduling: tRRD (no public table of JESD209-5 says otherwise)"},
    {"tRP_pb_refresh", "PRE to REFab", "n_rp_pb", core},
    {"tRP_pb_refresh_bank", "PRE to REFpb of the bank", "n_rp_pb", core},
    {"tRP_ab_refresh", "PREA to REFab", "n_rp_ab", core},
    {"tRP_ab_refresh_bank", "PREA to REFpb", "n_rp_ab", core},
    {"tREFI", "refresh is at most 8 commands behind", "9 t_refi_ns, divided by the rate of refresh_rates at temperature_c",
     "JESD209-5B: up to 8 REFab may be postponed; MR4 gives the rate"},
    {"tREFI_ahead", "refresh is at most 8 commands ahead", "8 t_refi_ns, divided likewise", "JESD209-5B: up to 8 REFab may be pulled in"},
    {"RAAMMT", "with refresh management a bank takes so many ACT1, less what REF and RFM took off", "raa_initial * raa_multiplier",
     "JESD209-5B, refresh management (MR27, MR57), as public notes on JESD209-5A give it; ASSUMED: RFMab exists beside RFMpb"},
    {"command_in_nmp_mode", "no RD, WR or ACT2 over the bus in NMP mode", "", modes},
    {"command_in_normal_mode", "no NRD, NWR, RDB or WRB in normal mode", "", modes},
    {"tCCD_buffer", "RDB or WRB to RDB or WRB", "n_ccd_s",
     "ASSUMED: bursts past the banks follow one another as those of other bank groups do"},
    {"hb_bandwidth", "accesses of one port do not overlap", "hb.access_bytes / hb.bandwidth_gbps", ports},
    {"tRCD_hb_read", "ACT1 to NRD", "n_rcd_nmp, or n_rcd where that is 0", ports},
    {"tRCD_hb_write", "ACT1 to NWR", "n_rcd_nmp, or n_rcd where that is 0", ports},
    {"tRTP_hb", "NRD to PRE", "n_rtp", ports},
    {"tRTP_hb_all", "NRD of any bank to PREA", "n_rtp", ports},
    {"tWR_hb", "end of NWR to PRE", "n_wr", ports},
    {"tWR_hb_all", "end of NWR of any bank to PREA", "n_wr", ports},
    {"tWTR_hb", "end of NWR to NRD of the bank", "n_wtr_l", ports},
    {"precharge_in_access", "no precharge while a port moves data", "", ports},
    {"precharge_row", "with subarray_overlap PRE names its row", "", "ASSUMED: a bank has two rows open then"},
    {"mode_change", "mode change to the next command", "nmp.mode_change_ns", modes},
    {"mode_of_normal_channel", "a channel without NMP side keeps its mode", "", modes},
    {"mode_repeated", "the mode is another one", "", modes},
    {"mode_with_open_bank", "all banks are closed", "", modes},
    {"mode_in_burst", "no data on the bus", "", modes},
    {"mode_in_access", "no access through a port", "", modes},
    {"tRP_ab_mode", "PREA to a mode change", "n_rp_ab", modes},
    {"tRP_pb_mode", "PRE to a mode change", "n_rp_pb", modes},
    {"tRFC_ab_mode", "REFab to a mode change", "t_rfc_ab_ns", modes},
    {"tRFC_pb_mode", "REFpb to a mode change", "t_rfc_pb_ns", modes},
};

/// Values of `dram.timing` by key, in cycles of CK.
struct CyclesByKey {
  double ck_mhz = 0;
  std::map<std::string, double> cycles;
  void field(const char* key, int value, const FieldInfo&) { cycles[key] = value; }
  void field(const char* key, double value, const FieldInfo&) { cycles[key] = value * ck_mhz / 1000.0; }
};

struct Density {
  int gigabits;
  double t_rfc_ab_ns, t_rfc_pb_ns, t_pbr2pbr_ns;
};
constexpr Density densities[] = {{2, 130, 60, 60}, {4, 180, 90, 90}, {8, 210, 120, 90}, {16, 280, 140, 90}, {32, 380, 190, 90}};

}  // namespace

const std::vector<Assumption>& assumptions() { return table; }

std::vector<DatasheetValue> lpddr5_datasheet(int gigabits, bool lpddr5x) {
  const auto* found = std::find_if(std::begin(densities), std::end(densities), [&](const Density& d) { return d.gigabits == gigabits; });
  check(found != std::end(densities), "LPDDR5 has no die of {} Gb", gigabits);
  const double t_rrd = lpddr5x ? 3.75 : 5.0;
  return {
      {"n_rcd", 18, 2, core},
      {"n_rp_pb", 18, 2, core},
      {"n_rp_ab", 21, 2, core},
      {"n_ras", 42, 3, core},
      {"n_rc", 60, 0, "JESD209-5B: tRAS + tRPpb"},
      {"n_wr", 34, 3, core},
      {"n_rtp", 7.5, 2, core},
      {"n_rrd", t_rrd, 2, core},
      {"n_faw", 4 * t_rrd, 0, core},
      {"n_ppd", 0, 2, core},
      {"n_wtr_s", 6.25, 4, columns},
      {"n_wtr_l", 12, 4, columns},
      {"n_ccd_s", 0, 2, columns},
      {"n_ccd_l", 0, 4, columns},
      {"t_rfc_ab_ns", found->t_rfc_ab_ns, 0, refresh},
      {"t_rfc_pb_ns", found->t_rfc_pb_ns, 0, refresh},
      {"t_pbr2act_ns", 7.5, 0, refresh},
      {"t_pbr2pbr_ns", found->t_pbr2pbr_ns, 0, refresh},
  };
}

std::vector<std::string> faster_than_datasheet(const DramConfig& part, const std::vector<DatasheetValue>& datasheet) {
  DramTiming timing = part.timing;
  CyclesByKey values{timing.ck_mhz, {}};
  fields(values, timing);
  std::vector<std::string> faster;
  for (const DatasheetValue& value : datasheet) {
    const auto found = values.cycles.find(value.key);
    check(found != values.cycles.end(), "'{}' is no key of dram.timing", value.key);
    const double least = std::max<double>(value.ns * timing.ck_mhz / 1000.0, value.cycles);
    if (found->second < least - 1e-3) {
      faster.push_back(fmt::format("{}: {:.3f} tCK, the datasheet asks for {:.3f} ({})", value.key, found->second, least, value.source));
    }
  }
  return faster;
}

}  // namespace bondsim
