#include "models/dram/timing/port_timing.hpp"

#include <algorithm>
#include <cmath>

namespace bondsim {

PortCycles port_cycles(const std::vector<TimingRule>& rules) {
  using C = DramCommand;
  const auto bank = RuleScope::bank;
  const auto rank = RuleScope::rank;
  PortCycles n;
  n.rcd = rule_cycles(rules, bank, C::act1, C::nrd);
  n.rcd_write = rule_cycles(rules, bank, C::act1, C::nwr);
  n.ras = rule_cycles(rules, bank, C::act1, C::pre);
  n.rc = rule_cycles(rules, bank, C::act1, C::act1);
  n.rp = rule_cycles(rules, bank, C::pre, C::act1);
  n.rp_ab = rule_cycles(rules, rank, C::prea, C::act1);
  n.rp_refresh = rule_cycles(rules, rank, C::prea, C::refab);
  n.rtp = rule_cycles(rules, bank, C::nrd, C::pre);
  n.wr = rule_cycles(rules, bank, C::nwr, C::pre);
  n.wtr = rule_cycles(rules, bank, C::nwr, C::nrd);
  n.rrd = rule_cycles(rules, rank, C::act1, C::act1);
  n.rfc = rule_cycles(rules, rank, C::refab, C::act1);
  n.rfc_pb = rule_cycles(rules, bank, C::refpb, C::act1);
  n.refpb_to_act = rule_cycles(rules, rank, C::refpb, C::act1);
  n.refpb_to_refpb = rule_cycles(rules, rank, C::refpb, C::refpb);
  n.act_to_refpb = rule_cycles(rules, rank, C::act1, C::refpb);
  for (const TimingRule& rule : rules) {
    if (rule.window == 4) n.faw = rule.cycles;
  }
  return n;
}

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
  if (refresh != nullptr && refresh->refresh != RefreshKind::none) {
    const std::int64_t interval = refresh_period(dram, RefreshKind::all_bank).value;
    t.refi = interval;
    if (refresh->refresh == RefreshKind::per_bank) {
      t.turns = dram.organization.banks() / banks_per_refresh(dram);
      t.refi = refresh_period(dram, RefreshKind::per_bank).value * t.turns;
      t.close = t.rp;
      t.rfc = span(n.rfc_pb);
    }
    t.slack = interval / 4;
    if (refresh->refresh_postpone > 0) t.postponed = refresh->refresh_postpone * interval - t.slack;
    t.pulled_in = refresh->refresh_pull_in * interval;
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
