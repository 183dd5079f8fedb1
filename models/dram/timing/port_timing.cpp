#include "models/dram/timing/port_timing.hpp"

#include <algorithm>
#include <cmath>

namespace bondsim {

namespace {

/// One number for the pair of commands that a rule couples.
constexpr int pair_of(RuleScope scope, DramCommand preceding, DramCommand following) {
  return (static_cast<int>(scope) << 16) + (static_cast<int>(preceding) << 8) + static_cast<int>(following);
}

/// Where the cycles of a pair stand; null for pairs of no interest behind a port.
Cycle* place_of(PortCycles& n, int pair) {
  using C = DramCommand;
  constexpr RuleScope bank = RuleScope::bank, rank = RuleScope::rank;
  switch (pair) {
    case pair_of(bank, C::act1, C::nrd):
      return &n.rcd;
    case pair_of(bank, C::act1, C::nwr):
      return &n.rcd_write;
    case pair_of(bank, C::act1, C::pre):
      return &n.ras;
    case pair_of(bank, C::act1, C::act1):
      return &n.rc;
    case pair_of(bank, C::pre, C::act1):
      return &n.rp;
    case pair_of(rank, C::prea, C::act1):
      return &n.rp_ab;
    case pair_of(rank, C::prea, C::refab):
      return &n.rp_refresh;
    case pair_of(bank, C::nrd, C::pre):
      return &n.rtp;
    case pair_of(bank, C::nwr, C::pre):
      return &n.wr;
    case pair_of(bank, C::nwr, C::nrd):
      return &n.wtr;
    case pair_of(rank, C::act1, C::act1):
      return &n.rrd;
    case pair_of(rank, C::refab, C::act1):
      return &n.rfc;
    case pair_of(bank, C::refpb, C::act1):
      return &n.rfc_pb;
    case pair_of(rank, C::refpb, C::act1):
      return &n.refpb_to_act;
    case pair_of(rank, C::refpb, C::refpb):
      return &n.refpb_to_refpb;
    case pair_of(rank, C::act1, C::refpb):
      return &n.act_to_refpb;
    default:
      return nullptr;
  }
}

}  // namespace

/// One pass over the rules: closed forms make a port's timing for each device they judge.
PortCycles port_cycles(const std::vector<TimingRule>& rules) {
  PortCycles n;
  for (const TimingRule& rule : rules) {
    if (rule.window == 4) n.faw = rule.cycles;
    if (rule.window != 1 || rule.latest) continue;
    if (Cycle* place = place_of(n, pair_of(rule.scope, rule.preceding, rule.following))) *place = rule.cycles;
  }
  return n;
}

BusCycles bus_cycles(const DramTiming& t) { return {std::max(t.n_ccd_s, t.n_bl_min), t.n_cl + t.n_bl_min, t.n_cwl + t.n_bl_min}; }

namespace {

/// When refreshes come, not how long they take.
void set_refresh(PortTiming& t, const DramConfig& dram, const ControllerConfig& controller) {
  if (controller.refresh == RefreshKind::none) return;
  const std::int64_t interval = refresh_period(dram, RefreshKind::all_bank).value;
  t.refi = interval;
  if (controller.refresh == RefreshKind::per_bank) {
    t.turns = dram.organization.banks() / banks_per_refresh(dram);
    t.refi = refresh_period(dram, RefreshKind::per_bank).value * t.turns;
  }
  t.slack = interval / 4;
  if (controller.refresh_postpone > 0) t.postponed = controller.refresh_postpone * interval - t.slack;
  t.pulled_in = controller.refresh_pull_in * interval;
}

}  // namespace

PortTiming port_timing(const DramConfig& dram, const BankPorts& ports, const std::vector<TimingRule>& rules, const Clock& clock,
                       const ControllerConfig* refresh) {
  const PortCycles n = port_cycles(rules);
  const auto span = [&](Cycle cycles) { return clock.edge(cycles).value; };
  PortTiming t;
  t.ck = std::llround(1e6 / dram.timing.ck_mhz);
  t.page_bytes = dram.organization.page_bytes();
  t.access_bytes = ports.hb.access_bytes;
  t.access = ports.hb.access_ps();
  t.rcd = span(n.rcd);
  t.rp = span(n.rp);
  t.ras = span(n.ras);
  t.rc = span(n.rc);
  t.wr = span(n.wr);
  t.rtp = span(n.rtp);
  t.wtr = span(n.wtr);
  t.rp_ab = span(n.rp_ab);
  t.rfc = span(n.rfc);
  t.close = t.rp_ab;
  t.bus_bytes = static_cast<std::int64_t>(dram.organization.access_bytes()) * dram.organization.pseudo_channels;
  const BusCycles bus = bus_cycles(dram.timing);
  t.bus_burst = span(bus.burst);
  t.bus_read = span(bus.read);
  t.bus_write = span(bus.write);
  if (refresh != nullptr) set_refresh(t, dram, *refresh);
  if (refresh != nullptr && refresh->refresh == RefreshKind::per_bank) {
    t.close = t.rp;
    t.rfc = span(n.rfc_pb);
  }
  t.subarrays = ports.subarray_overlap;
  if (ports.activate_policy == ActivatePolicy::staggered) {
    // Four ACTs a window of tFAW, tRRD apart inside it.
    const Cycle banks = dram.organization.banks(), window = std::max(4 * n.rrd, n.faw);
    const auto after_first = [&](Cycle acts) { return acts / 4 * window + acts % 4 * n.rrd; };
    t.stagger = span(after_first(banks - 1));
    t.round = span(std::max(after_first(banks), after_first(banks - 1) + n.rrd));
  }
  return t;
}

PortTiming port_timing(const DramConfig& dram, const BankPorts& ports, const ControllerConfig& refresh) {
  return port_timing(dram, ports, timing_rules(dram), Clock::from_khz(std::llround(dram.timing.ck_mhz * 1000)), &refresh);
}

PortTiming port_timing(const DramConfig& dram, const BankPorts& ports, bool refresh) {
  ControllerConfig controller;
  controller.refresh = refresh ? RefreshKind::all_bank : RefreshKind::none;
  return port_timing(dram, ports, controller);
}

std::int64_t row_end_ps(const PortTiming& t, std::int64_t accesses, bool write) {
  const std::int64_t closable = std::max(t.closable(t.rcd + accesses * t.access, write), t.ras);
  return ceil_div(closable, t.ck) * t.ck;
}

std::int64_t row_period_ps(const PortTiming& t, std::int64_t accesses, bool write) {
  std::int64_t period = std::max(row_end_ps(t, accesses, write) + t.rp, t.rc);
  // With subarrays the next row is closed and opened under the accesses of the present one.
  if (t.subarrays) period = std::max({accesses * t.access, t.rp + t.rcd, period / 2});
  return std::max(period, t.round);
}

std::int64_t row_gap_ps(const PortTiming& t) { return row_period_ps(t, t.page_accesses(), false) - t.page_accesses() * t.access; }

std::int64_t change_ps(const PortTiming& t, std::int64_t accesses, bool write) {
  return row_end_ps(t, accesses, write) - t.rcd - accesses * t.access + t.rp + t.rcd;
}

std::int64_t refresh_ps(const PortTiming& t) { return t.rfc + t.close - t.rp; }

}  // namespace bondsim
