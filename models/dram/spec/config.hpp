#pragma once
#include <optional>
#include <string>
#include <vector>

#include "models/base/fields.hpp"
#include "models/dram/spec/address_map.hpp"
#include "models/dram/spec/organization.hpp"

namespace bondsim {

/// Timing of a DRAM part as its datasheet gives it: n_* in cycles of CK, t_*_ns in nanoseconds.
struct DramTiming {
  double ck_mhz = 0;
  int n_cl = 0, n_cwl = 0, n_rcd = 0, n_rp_pb = 0, n_rp_ab = 0, n_ras = 0, n_rc = 0, n_wr = 0, n_rtp = 0;
  int n_ccd_s = 0, n_ccd_l = 0, n_wtr_s = 0, n_wtr_l = 0, n_rrd = 0, n_faw = 0, n_ppd = 0, n_bl_min = 0, n_bl_max = 0;
  int n_aad = 0, n_rtw = 0;
  int n_rtrs = 0;
  int n_aad_min = 1;
  int n_wckpst = -1;
  int n_rcd_nmp = 0;
  double t_refi_ns = 0, t_refi_pb_ns = 0, t_rfc_ab_ns = 0, t_rfc_pb_ns = 0;
  double t_pbr2act_ns = 0, t_pbr2pbr_ns = 0;
};

template <class Visitor>
void fields(Visitor& v, DramTiming& c) {
  v.field("ck_mhz", c.ck_mhz, required("command clock").range(1, 10000).in("MHz"));
  v.field("n_cl", c.n_cl, required("RD to first data").range(0, 1000).in("tCK"));
  v.field("n_cwl", c.n_cwl, required("WR to first data").range(0, 1000).in("tCK"));
  v.field("n_rcd", c.n_rcd, required("ACT1 to RD or WR").range(1, 1000).in("tCK"));
  v.field("n_rp_pb", c.n_rp_pb, required("PRE to ACT of the bank").range(1, 1000).in("tCK"));
  v.field("n_rp_ab", c.n_rp_ab, required("PREA to ACT").range(1, 1000).in("tCK"));
  v.field("n_ras", c.n_ras, required("ACT1 to PRE").range(1, 1000).in("tCK"));
  v.field("n_rc", c.n_rc, required("ACT1 to ACT1 of the same bank").range(1, 1000).in("tCK"));
  v.field("n_wr", c.n_wr, required("end of write data to PRE").range(0, 1000).in("tCK"));
  v.field("n_rtp", c.n_rtp, required("RD to PRE").range(1, 1000).in("tCK"));
  v.field("n_ccd_s", c.n_ccd_s, required("column to column, other bank group").range(1, 1000).in("tCK"));
  v.field("n_ccd_l", c.n_ccd_l, required("column to column, same bank group").range(1, 1000).in("tCK"));
  v.field("n_wtr_s", c.n_wtr_s, required("end of write data to RD, other bank group").range(0, 1000).in("tCK"));
  v.field("n_wtr_l", c.n_wtr_l, required("end of write data to RD, same bank group").range(0, 1000).in("tCK"));
  v.field("n_rrd", c.n_rrd, required("ACT1 to ACT1 of another bank").range(1, 1000).in("tCK"));
  v.field("n_faw", c.n_faw, required("window of four ACT1").range(1, 1000).in("tCK"));
  v.field("n_ppd", c.n_ppd, required("precharge to precharge").range(1, 1000).in("tCK"));
  v.field("n_bl_min", c.n_bl_min, required("burst on the bus").range(1, 1000).in("tCK"));
  v.field("n_bl_max", c.n_bl_max, required("burst in a bank group").range(1, 1000).in("tCK"));
  v.field("n_aad", c.n_aad, required("longest ACT1 to ACT2").range(1, 1000).in("tCK"));
  v.field("n_aad_min", c.n_aad_min, defaulted("shortest ACT1 to ACT2").range(1, 1000).in("tCK"));
  v.field("n_wckpst", c.n_wckpst,
          defaulted("WCK runs on after the data of RD or WR; a later one needs a CAS at the CK before; -1: WCK never stops")
              .range(-1, 1000)
              .in("tCK"));
  v.field(
      "n_rcd_nmp", c.n_rcd_nmp,
      defaulted("ACT1 to an access of the PEs, where it differs from n_rcd (GDDR6-AiM's nRCDRDMAC); 0: n_rcd").range(0, 1000).in("tCK"));
  v.field("n_rtw", c.n_rtw, required("RD to WR turnaround").range(1, 1000).in("tCK"));
  v.field("n_rtrs", c.n_rtrs, defaulted("pause of the data bus between bursts of two ranks").range(0, 1000).in("tCK"));
  v.field("t_refi_ns", c.t_refi_ns, required("average interval of REFab").range(1, 1e6).in("ns"));
  v.field("t_refi_pb_ns", c.t_refi_pb_ns, required("average interval of REFpb").range(1, 1e6).in("ns"));
  v.field("t_rfc_ab_ns", c.t_rfc_ab_ns, required("REFab to the next command").range(1, 1e6).in("ns"));
  v.field("t_rfc_pb_ns", c.t_rfc_pb_ns, required("REFpb to the next command of the bank, and to REFab").range(1, 1e6).in("ns"));
  v.field("t_pbr2act_ns", c.t_pbr2act_ns, required("REFpb to ACT1 of another bank").range(0, 1e6).in("ns"));
  v.field("t_pbr2pbr_ns", c.t_pbr2pbr_ns, required("REFpb to REFpb of another bank").range(0, 1e6).in("ns"));
}

/// What happens to a row after its last access in the queue: it stays open, or is precharged.
enum class PagePolicy { open, closed };
template <>
inline constexpr EnumEntry<PagePolicy> enum_names<PagePolicy>[] = {{"open", PagePolicy::open}, {"closed", PagePolicy::closed}};

/// Order of requests: row hits first, then by age (FR-FCFS), or by age alone.
enum class SchedulerKind { fr_fcfs, fcfs };
template <>
inline constexpr EnumEntry<SchedulerKind> enum_names<SchedulerKind>[] = {{"fr_fcfs", SchedulerKind::fr_fcfs},
                                                                         {"fcfs", SchedulerKind::fcfs}};

/// When the second half of an LPDDR5 activate is issued: by the age of its request, or as late as t_AAD allows.
enum class Act2Order { by_age, last };
template <>
inline constexpr EnumEntry<Act2Order> enum_names<Act2Order>[] = {{"by_age", Act2Order::by_age}, {"last", Act2Order::last}};

/// Refresh of a channel: none, of all banks at once (REFab), or bank by bank (REFpb).
enum class RefreshKind { none, all_bank, per_bank };
template <>
inline constexpr EnumEntry<RefreshKind> enum_names<RefreshKind>[] = {
    {"none", RefreshKind::none}, {"all_bank", RefreshKind::all_bank}, {"per_bank", RefreshKind::per_bank}};

/// One step of the ladder of refresh rates: up to a temperature, how often the part is refreshed.
struct RefreshRate {
  double up_to_c = 0;
  double rate = 1;
  std::string source;
};
template <class Visitor>
void fields(Visitor& v, RefreshRate& c) {
  v.field("up_to_c", c.up_to_c, required("highest temperature of the die at which this rate holds").range(-273, 1000).in("C"));
  v.field("rate", c.rate, required("refresh commands in t_refi_ns").range(0.01, 1000));
  v.field("source", c.source, required("where temperature and rate come from"));
}

/// Refresh management: activates of a bank are counted, and at a limit it takes no more before a RFM or a REF has lowered its count
/// (JESD209-5B: rolling accumulated ACT count RAA, of each bank).
struct RefreshManagement {
  int raa_initial = 0;
  int raa_multiplier = 0;
  double raa_decrement = 1;
  std::string source;

  /// Count at which a bank takes no more activates (RAAMMT).
  int raa_most() const { return raa_initial * raa_multiplier; }
  /// What one RFM takes off the count; a REF takes off raa_initial.
  int raa_of_rfm() const { return static_cast<int>(raa_initial * raa_decrement); }
};
template <class Visitor>
void fields(Visitor& v, RefreshManagement& c) {
  v.field("raa_initial", c.raa_initial, required("RAAIMT: activates of a bank that one REF makes up for").range(1, 1 << 16));
  v.field("raa_multiplier", c.raa_multiplier, required("RAAMULT: a bank takes no more than this many times RAAIMT").range(1, 64));
  v.field("raa_decrement", c.raa_decrement, defaulted("RAADEC: what one RFM makes up for, in units of RAAIMT").range(0.5, 64));
  v.field("source", c.source, required("where the counts come from"));
}

/// Policy of a channel's controller.
struct ControllerConfig {
  int read_queue = 32;
  int write_queue = 32;
  SchedulerKind scheduler = SchedulerKind::fr_fcfs;
  Act2Order act2 = Act2Order::by_age;
  PagePolicy page_policy = PagePolicy::open;
  RefreshKind refresh = RefreshKind::all_bank;
  int write_high_percent = 80;
  int write_low_percent = 20;
  double write_wait_ns = 500;
  int refresh_postpone = 0;
  int refresh_pull_in = 0;
  bool refresh_management = false;
  AddressMapConfig address_map;
};
template <class Visitor>
void fields(Visitor& v, ControllerConfig& c) {
  v.field("read_queue", c.read_queue, defaulted("read requests waiting in the controller").range(1, 4096));
  v.field("write_queue", c.write_queue, defaulted("write requests waiting in the controller").range(1, 4096));
  v.field("scheduler", c.scheduler,
          defaulted("of queued requests, the oldest whose command may be issued first (fr_fcfs), or the oldest (fcfs)"));
  v.field("act2", c.act2,
          defaulted("ACT2 before its deadline comes by the age of its request, or last, when no other command may be issued"));
  v.field("page_policy", c.page_policy, defaulted("rows stay open, or close after the last queued hit"));
  v.field("refresh", c.refresh, defaulted("all banks at once (REFab), bank by bank (REFpb), or none"));
  v.field("write_high_percent", c.write_high_percent,
          defaulted("writes are served once their queue is fuller than this, or no read waits").range(0, 100).in("%"));
  v.field("write_low_percent", c.write_low_percent, defaulted("and until it is emptier than this").range(0, 100).in("%"));
  v.field("write_wait_ns", c.write_wait_ns,
          defaulted("a write that has waited so long while reads were served has all writes served; 0 is never").range(0, 1e9).in("ns"));
  v.field("refresh_postpone", c.refresh_postpone,
          defaulted("refresh intervals for which refresh is put off while requests wait (JESD209-5B: up to 8)").range(0, 8));
  v.field("refresh_pull_in", c.refresh_pull_in,
          defaulted("NMP mode: refresh intervals for which banks without work are refreshed ahead (JESD209-5B: up to 8)").range(0, 8));
  v.field("refresh_management", c.refresh_management,
          defaulted("activates of each bank are counted, and RFM comes where the part's refresh_management asks for it"));
  v.section("address_map", c.address_map, defaulted("where byte addresses of memory traces and other models lie"));
}

/// One DRAM part, as a file of configs/dram/ describes it.
struct DramConfig {
  std::string name;
  DramOrganization organization;
  DramTiming timing;
  double temperature_c = 45;
  std::vector<RefreshRate> refresh_rates;  ///< ascending; none: once a t_refi_ns at any temperature
  std::optional<RefreshManagement> refresh_management;
};
template <class Visitor>
void fields(Visitor& v, DramConfig& c) {
  v.field("name", c.name, required("name of the part"));
  v.section("organization", c.organization, required("shape of a channel"));
  v.section("timing", c.timing, required("timing"));
  v.field("temperature_c", c.temperature_c, defaulted("temperature of the die: selects the rate of refresh").range(-273, 1000).in("C"));
  v.sections("refresh_rates", c.refresh_rates, defaulted("how often the part is refreshed, by temperature; none: once a t_refi_ns"));
  v.section("refresh_management", c.refresh_management, defaulted("the part's counts of activates that RFM goes by"));
}

}  // namespace bondsim
