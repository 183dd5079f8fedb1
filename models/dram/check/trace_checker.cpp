#include "models/dram/check/trace_checker.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "models/base/error.hpp"
#include "models/dram/check/assumptions.hpp"

namespace bondsim {
namespace {

constexpr std::size_t kept_violations = 20;

}  // namespace

TraceChecker::TraceChecker(const DramConfig& dram, const ControllerConfig& controller, const BankPorts* nmp,
                           const TraceCheckerOptions& options)
    : dram_(dram),
      controller_(controller),
      has_nmp_(nmp != nullptr),
      refresh_checked_(options.refresh && controller.refresh != RefreshKind::none),
      switch_timed_(options.mode_switch),
      buses_(static_cast<std::size_t>(dram.organization.pseudo_channels)),
      ranks_(buses_.size() * static_cast<std::size_t>(dram.organization.ranks)),
      groups_(ranks_.size() * static_cast<std::size_t>(dram.organization.bank_groups)),
      banks_(groups_.size() * static_cast<std::size_t>(dram.organization.banks_per_group)) {
  if (has_nmp_) {
    nmp_ = *nmp;
    overlap_ = nmp_.subarray_overlap;
    if (switch_timed_) mode_change_ps_ = std::llround(nmp_.mode_change_ns * 1000.0);
  }
  const std::int64_t khz = std::llround(dram.timing.ck_mhz * 1000.0);
  const std::int64_t common = std::gcd(std::int64_t{1'000'000'000}, khz);
  period_numerator_ = 1'000'000'000 / common;
  period_denominator_ = khz / common;
  for (auto step = dram.refresh_rates.rbegin(); step != dram.refresh_rates.rend(); ++step) {
    if (dram.temperature_c <= step->up_to_c) refresh_rate_ = step->rate;
  }
  if (controller.refresh_management && dram.refresh_management) raa_.resize(banks_.size());
  if (options.window_from) {
    from_begin_ = false;
    for (Rank& r : ranks_) r.refreshed_until_ps = options.window_from->value;
    if (dram.timing.n_wckpst >= 0) {
      const DramTiming& t = dram.timing;
      wck_until_ = options.window_from->value + span(std::max(t.n_cl, t.n_cwl) + t.n_bl_min + t.n_wckpst);
    }
    mode_known_ = !has_nmp_;
    for (Bank& b : banks_) {
      for (Row& row : b.rows) row.unknown = true;
    }
  }
}

// ---- Time -----------------------------------------------------------------------------------------------------------------

/// Shortest distance in ps of two edges that are `cycles` apart.
std::int64_t TraceChecker::span(std::int64_t cycles) const { return cycles * period_numerator_ / period_denominator_; }

std::int64_t TraceChecker::cycles_of(double ns) const {
  const double period_ps = static_cast<double>(period_numerator_) / static_cast<double>(period_denominator_);
  return static_cast<std::int64_t>(std::ceil(ns * 1000.0 / period_ps - 1e-6));
}

bool TraceChecker::on_edge(std::int64_t t) const {
  if (period_denominator_ == 1) return t % period_numerator_ == 0;
  const auto guess = static_cast<std::int64_t>(static_cast<long double>(t) * period_denominator_ / period_numerator_);
  for (std::int64_t n = std::max<std::int64_t>(guess - 1, 0); n <= guess + 1; ++n) {
    const auto edge = static_cast<std::int64_t>(static_cast<WideInt>(n) * period_numerator_ / period_denominator_);
    if (edge == t) return true;
  }
  return false;
}

// ---- Reporting ------------------------------------------------------------------------------------------------------------

void TraceChecker::fail(const std::string& rule, const std::string& detail, const Seen* earlier) {
  if (by_rule_.count(rule) == 0) {
    const bool listed = std::any_of(assumptions().begin(), assumptions().end(), [&](const Assumption& a) { return rule == a.rule; });
    check(listed, "rule '{}' is not among the checker's assumptions", rule);
  }
  ++violations_;
  ++by_rule_[rule];
  if (first_.size() >= kept_violations) return;
  TraceViolation violation{rule, detail, now_, {}, earlier != nullptr && earlier->any};
  if (violation.has_earlier) violation.earlier = earlier->record;
  first_.push_back(violation);
}

void TraceChecker::need_ps(const char* rule, const Seen& earlier, std::int64_t from, std::int64_t ps) {
  if (!earlier.any || now_.time.value - from >= ps) return;
  fail(rule, fmt::format("{} ps after, at least {} ps are needed", now_.time.value - from, ps), &earlier);
}

void TraceChecker::need(const char* rule, const Seen& earlier, std::int64_t cycles) {
  need_ps(rule, earlier, earlier.record.time.value, span(cycles));
}

void TraceChecker::need_bank(const char* rule, C earlier, std::int64_t cycles) {
  need(rule, bank().last[sub_of(now_.row)][static_cast<std::size_t>(earlier)], cycles);
}

void TraceChecker::need_group(const char* rule, C earlier, std::int64_t cycles) {
  const auto group = static_cast<std::size_t>(now_.bank / dram_.organization.banks_per_group);
  need(rule, groups_[group][static_cast<std::size_t>(earlier)], cycles);
}

void TraceChecker::need_rank(const char* rule, C earlier, std::int64_t cycles) {
  need(rule, rank().last[static_cast<std::size_t>(earlier)], cycles);
}

// ---- One command ----------------------------------------------------------------------------------------------------------

void TraceChecker::command(const CommandRecord& record) {
  if (mode_known_) return judge(record);
  await_mode(record);
}

void TraceChecker::judge(const CommandRecord& record) {
  now_ = record;
  ++commands_;
  const DramOrganization& shape = dram_.organization;
  if (previous_.any && now_.time < previous_.record.time) fail("time_order", "the trace goes back in time", &previous_);
  const bool changes_mode = now_.command == C::mode_nmp || now_.command == C::mode_normal;
  const bool is_cas = now_.command == C::cas_rd || now_.command == C::cas_wr;
  const bool to_buffer = now_.command == C::rdb || now_.command == C::wrb;
  const bool to_bank =
      !to_buffer && now_.command != C::prea && now_.command != C::refab && now_.command != C::rfmab && !changes_mode && !is_cas;
  const bool to_rank = now_.command == C::prea || now_.command == C::refab || now_.command == C::rfmab;
  const auto banks = static_cast<std::int32_t>(banks_.size());
  if (now_.bank >= banks || (now_.bank < 0 && (to_bank || (to_rank && ranks_.size() > 1))))
    return fail("bank_range", fmt::format("there is no bank {}", now_.bank));
  if (now_.row >= shape.rows) return fail("row_range", fmt::format("there is no row {}", now_.row));
  if (now_.column >= shape.columns) return fail("column_range", fmt::format("there is no column {}", now_.column));
  const bool hb = now_.command == C::nrd || now_.command == C::nwr;
  if (!hb && !on_edge(now_.time.value)) fail("clock_edge", "the command is not on an edge of CK");
  if (!in_nmp_ && (switch_timed_ || !changes_mode)) command_bus();
  if (mode_.any && !changes_mode) {
    need_ps("mode_change", mode_, mode_.record.time.value, mode_change_ps_);
  }
  half_open_too_long();
  if (cas_.any && !cas_served()) fail("cas_alone", "no RD or WR of its kind follows at the next CK", &cas_);
  const Seen cas = std::exchange(cas_, Seen{});
  switch (now_.command) {
    case C::act1:
      act1();
      break;
    case C::act2:
      act2();
      break;
    case C::rd:
    case C::wr:
      column(cas.any);
      break;
    case C::cas_rd:
    case C::cas_wr:
      if (in_nmp_) fail("command_in_nmp_mode", "CAS in NMP mode", &mode_);
      cas_ = {now_, true};
      break;
    case C::pre:
      precharge();
      break;
    case C::prea:
      precharge_all();
      break;
    case C::refab:
    case C::rfmab:
      refresh_all();
      break;
    case C::refpb:
    case C::rfmpb:
      refresh_bank();
      break;
    case C::nrd:
    case C::nwr:
      hb_access();
      break;
    case C::rdb:
    case C::wrb:
      buffer_burst();
      break;
    case C::mode_nmp:
    case C::mode_normal:
      mode_change();
      break;
  }
  note();
}

/// Pseudo channels share a bus for commands to rows and one for those to columns; each takes one command a CK.
void TraceChecker::command_bus() {
  const auto at_once = [this](const Seen& earlier) { return earlier.any && earlier.record.time == now_.time; };
  if (at_once(mode_) || !at_once(previous_)) return;
  const bool changes_mode = now_.command == C::mode_nmp || now_.command == C::mode_normal;
  if (buses_.size() == 1 || changes_mode) return fail("command_bus", "two commands on the bus at once", &previous_);
  const bool column = now_.command == C::rd || now_.command == C::wr;
  if (const Seen& same = previous_on_[column]; at_once(same)) fail("command_bus", "two commands on the bus at once", &same);
}

void TraceChecker::note() {
  const Seen seen{now_, true};
  // A RFM holds later commands back as the REF of its kind does.
  const C as = now_.command == C::rfmab ? C::refab : now_.command == C::rfmpb ? C::refpb : now_.command;
  const auto c = static_cast<std::size_t>(as);
  previous_ = seen;
  previous_on_[now_.command == C::rd || now_.command == C::wr] = seen;
  rank().last[c] = seen;
  if (now_.bank < 0) return;
  groups_[static_cast<std::size_t>(now_.bank / dram_.organization.banks_per_group)][c] = seen;
  bank().last[sub_of(now_.row)][c] = seen;
}

void TraceChecker::half_open_too_long() {
  if (in_nmp_) return;
  for (Bank& b : banks_) {
    Row& row = b.rows[0];
    if (!row.half_open || now_.time.value - row.opened.time.value <= span(dram_.timing.n_aad) + (period_denominator_ > 1)) continue;
    const bool is_it = now_.command == C::act2 && now_.bank == row.opened.bank;
    const Seen opened{row.opened, true};
    fail("tAAD", is_it ? "ACT2 comes too late" : "no ACT2 came in time", &opened);
    row.half_open = false;
  }
}

void TraceChecker::act1() {
  const DramTiming& t = dram_.timing;
  Row& row = bank().rows[sub_of(now_.row)];
  const Seen opened{row.opened, row.row >= 0};
  if (row.row >= 0) fail("act_to_open_bank", fmt::format("row {} is open", row.row), &opened);
  need_bank("tRC", C::act1, t.n_rc);
  need_bank("tRP_pb", C::pre, t.n_rp_pb);
  need_rank("tRP_ab", C::prea, t.n_rp_ab);
  need_rank("tRFC_ab", C::refab, cycles_of(t.t_rfc_ab_ns));
  const bool together = in_nmp_ && nmp_.activate_policy == ActivatePolicy::all_bank;
  if (!together) {
    need_rank("tRRD", C::act1, t.n_rrd);
    std::array<Seen, 4>& acts = rank().acts;
    need("tFAW", acts[0], t.n_faw);
    std::rotate(acts.begin(), acts.begin() + 1, acts.end());
    acts.back() = {now_, true};
  }
  need_bank("tRFC_pb", C::refpb, cycles_of(t.t_rfc_pb_ns));
  need_rank("tpbR2act", C::refpb, cycles_of(t.t_pbr2act_ns));
  count_activate();
  row.row = now_.row;
  row.opened = now_;
  row.unknown = false;
  row.half_open = !in_nmp_;
}

void TraceChecker::act2() {
  Row& row = bank().rows[0];
  if (in_nmp_) return fail("command_in_nmp_mode", "ACT2 behind the HB ports");
  if (row.unknown) return learn_row(row);
  if (!row.half_open) return fail("act2_without_act1", "the bank has had no ACT1");
  const Seen opened{row.opened, true};
  if (row.row != now_.row) fail("act2_row", fmt::format("ACT1 was for row {}", row.row), &opened);
  need("tAAD_min", opened, dram_.timing.n_aad_min);
  row.half_open = false;
}

/// Whether the command is the RD or WR that the CAS before was for.
bool TraceChecker::cas_served() const {
  const C column = cas_.record.command == C::cas_rd ? C::rd : C::wr;
  const std::int64_t apart = now_.time.value - cas_.record.time.value;
  return now_.command == column && apart >= span(1) && apart <= span(1) + (period_denominator_ > 1);
}

void TraceChecker::column(bool after_cas) {
  const DramTiming& t = dram_.timing;
  const bool write = now_.command == C::wr;
  if (in_nmp_) return fail("command_in_nmp_mode", "an access over the channel bus in NMP mode", &mode_);
  Row& row = bank().rows[0];
  if (row.unknown) learn_row(row);
  const Seen opened{row.opened, true};
  if (row.row < 0) {
    fail("column_to_closed_bank", "no row is open");
  } else if (row.row != now_.row) {
    fail("column_to_other_row", fmt::format("row {} is open", row.row), &opened);
  } else if (row.half_open) {
    fail("column_before_act2", "ACT2 has not come", &opened);
  }
  if (now_.column < 0 || now_.column % dram_.organization.burst_length != 0) fail("column_range", "not the first column of a burst");
  need_bank("tRCD", C::act1, t.n_rcd);
  if (write) {
    need_rank("tCCD_S_write", C::wr, t.n_ccd_s);
    need_group("tCCD_L_write", C::wr, t.n_ccd_l);
    need_rank("tRTW", C::rd, t.n_rtw);
  } else {
    need_rank("tCCD_S_read", C::rd, t.n_ccd_s);
    need_group("tCCD_L_read", C::rd, t.n_ccd_l);
    need_rank("tWTR_S", C::wr, t.n_cwl + t.n_bl_min + t.n_wtr_s);
    need_group("tWTR_L", C::wr, t.n_cwl + t.n_bl_max + t.n_wtr_l);
  }
  const std::int64_t data = now_.time.value + span(write ? t.n_cwl : t.n_cl);
  DataBus& bus = data_bus();
  if (data + 1 < bus.free) {
    fail("data_bus", "the burst overlaps the one before", &bus.user);
  } else if (bus.user.any && bus.user.record.bank / rank_banks() != now_.bank / rank_banks() && data + 1 < bus.free + span(t.n_rtrs)) {
    fail("tRTRS", fmt::format("data begin {} ps after those of another rank end", data - bus.free), &bus.user);
  }
  bus.free = data + span(t.n_bl_min);
  if (t.n_wckpst >= 0) {
    const bool stopped = now_.time.value >= wck_until_;
    if (!after_cas && stopped) fail("wck_stopped", "WCK has stopped, and no CAS came before", &bus.user);
    const std::int64_t cycles = (write ? t.n_cwl : t.n_cl) + t.n_bl_min + t.n_wckpst;
    wck_until_ = std::max(wck_until_, now_.time.value + span(cycles) + (period_denominator_ > 1));
  }
  bus.user = {now_, true};
}

void TraceChecker::close(Bank& b, std::size_t sub) { b.rows[sub] = Row{}; }

void TraceChecker::precharge() {
  const DramTiming& t = dram_.timing;
  Bank& b = bank();
  const std::size_t sub = sub_of(now_.row);
  if (overlap_ && in_nmp_ && now_.row < 0) fail("precharge_row", "with subarray_overlap PRE names the row it closes");
  need_bank("tRAS", C::act1, t.n_ras);
  need_bank("tRTP", C::rd, t.n_rtp);
  need_bank("tWR", C::wr, t.n_cwl + t.n_bl_min + t.n_wr);
  if (!in_nmp_) {
    need_rank("tPPD", C::pre, t.n_ppd);
    need_rank("tPPD", C::prea, t.n_ppd);
  }
  need_bank("tRTP_hb", C::nrd, t.n_rtp);
  const Seen& write = b.last[sub][static_cast<std::size_t>(C::nwr)];
  if (write.any) need_ps("tWR_hb", write, write.record.time.value, nmp_.hb.access_ps() + span(t.n_wr));
  const Seen& read = b.last[sub][static_cast<std::size_t>(C::nrd)];
  if (read.any) need_ps("precharge_in_access", read, read.record.time.value, nmp_.hb.access_ps());
  if (b.rows[sub].half_open) fail("precharge_half_open", "ACT2 has not come");
  close(b, sub);
}

void TraceChecker::precharge_all() {
  const DramTiming& t = dram_.timing;
  for (std::size_t i = 0; i < banks_.size(); ++i) {
    for (std::size_t sub = 0; sub < 2; ++sub) {
      Bank& b = banks_[i];
      if (b.rows[sub].row < 0 || !in_rank(i)) continue;
      const Last& last = b.last[sub];
      const auto since = [&](const char* rule, C c, std::int64_t cycles) { need(rule, last[static_cast<std::size_t>(c)], cycles); };
      since("tRAS_all", C::act1, t.n_ras);
      since("tRTP_all", C::rd, t.n_rtp);
      since("tWR_all", C::wr, t.n_cwl + t.n_bl_min + t.n_wr);
      since("tRTP_hb_all", C::nrd, t.n_rtp);
      const Seen& write = last[static_cast<std::size_t>(C::nwr)];
      if (write.any) need_ps("tWR_hb_all", write, write.record.time.value, nmp_.hb.access_ps() + span(t.n_wr));
      if (b.access_end > now_.time.value) fail("precharge_in_access", "an access through the HB port is under way");
      if (b.rows[sub].half_open) fail("precharge_half_open", "ACT2 has not come");
      close(b, sub);
    }
  }
  learn_all_closed();
  need_rank("tPPD_all", C::pre, t.n_ppd);
}

bool TraceChecker::all_closed() const {
  for (std::size_t b = 0; b < banks_.size(); ++b) {
    if (in_rank(b) && (banks_[b].rows[0].row >= 0 || banks_[b].rows[1].row >= 0)) return false;
  }
  return true;
}

}  // namespace bondsim
