#include "models/dram/spec/timing_rules.hpp"

#include <algorithm>
#include <cmath>

#include "models/base/error.hpp"

namespace bondsim {
namespace {

constexpr const char* core = "JESD209-5B, core timings";
constexpr const char* column = "JESD209-5B, column timings in bank-group mode";
constexpr const char* refresh = "JESD209-5B, refresh timings";
constexpr const char* per_bank = "JESD209-5B, table 235: refresh of one bank and commands to the others";
constexpr const char* act_to_refresh = "JESD209-4, refresh command scheduling: REFpb is as far from an ACT before it as another ACT";
constexpr const char* ranks = "Ramulator 2.1, LPDDR5 (nCS): bursts of two ranks keep a pause on the data bus they share";
constexpr const char* act2 = "JESD209-5B: ACT2 follows ACT1, one command a CK, other commands may come in between";
constexpr const char* hb_core = "JESD209-5B core timing of the bank, behind its HB port";

}  // namespace

Cycle cycles_of_ns(double ns, double ck_mhz) { return static_cast<Cycle>(std::ceil(ns * ck_mhz / 1000.0 - 1e-6)); }

double refresh_rate(const DramConfig& config) {
  if (config.refresh_rates.empty()) return 1;
  const auto step = std::find_if(config.refresh_rates.begin(), config.refresh_rates.end(),
                                 [&](const RefreshRate& r) { return config.temperature_c <= r.up_to_c; });
  check(step != config.refresh_rates.end(), "{} has no refresh rate for {} C", config.name, config.temperature_c);
  return step->rate;
}

Picoseconds refresh_period(const DramConfig& config, RefreshKind kind) {
  const double ns = kind == RefreshKind::per_bank ? config.timing.t_refi_pb_ns : config.timing.t_refi_ns;
  return Picoseconds(static_cast<std::int64_t>(std::llround(ns * 1000.0 / refresh_rate(config))));
}

int banks_per_refresh(const DramConfig& config) {
  const double ratio = config.organization.banks_per_rank() * config.timing.t_refi_pb_ns / config.timing.t_refi_ns;
  return std::clamp(static_cast<int>(std::lround(ratio)), 1, config.organization.banks_per_rank());
}

std::int64_t refreshed_rows(const DramConfig& config, const ChannelCounts& counts) {
  constexpr std::int64_t refreshes_a_window = 8192;
  const std::int64_t all_bank = counts.refreshes_all_bank + counts.managements_all_bank;
  const std::int64_t per_bank = counts.refreshes_per_bank + counts.managements_per_bank;
  const std::int64_t banks = all_bank * config.organization.banks_per_rank() + per_bank * banks_per_refresh(config);
  return banks * ceil_div(config.organization.rows, refreshes_a_window);
}

std::vector<TimingRule> timing_rules(const DramConfig& config) {
  using C = DramCommand;
  const DramTiming& t = config.timing;
  const auto bank = RuleScope::bank;
  const auto group = RuleScope::bank_group;
  const auto rank = RuleScope::rank;
  const Cycle rfc_ab = cycles_of_ns(t.t_rfc_ab_ns, t.ck_mhz);
  const Cycle rfc_pb = cycles_of_ns(t.t_rfc_pb_ns, t.ck_mhz);
  const Cycle write_end = t.n_cwl + t.n_bl_min;
  std::vector<TimingRule> rules = {
      // Rows.
      {bank, C::act1, C::act2, t.n_aad_min, act2},
      {bank, C::act1, C::act2, t.n_aad, core, 1, true},
      {bank, C::act1, C::rd, t.n_rcd, core},
      {bank, C::act1, C::wr, t.n_rcd, core},
      {bank, C::act1, C::pre, t.n_ras, core},
      {rank, C::act1, C::prea, t.n_ras, core},
      {bank, C::act1, C::act1, t.n_rc, core},
      {rank, C::act1, C::act1, t.n_rrd, core},
      {rank, C::act1, C::act1, t.n_faw, core, 4},
      {bank, C::pre, C::act1, t.n_rp_pb, core},
      {rank, C::prea, C::act1, t.n_rp_ab, core},
      {rank, C::pre, C::pre, t.n_ppd, core},
      {rank, C::pre, C::prea, t.n_ppd, core},
      // Columns.
      {rank, C::rd, C::rd, t.n_ccd_s, column},
      {group, C::rd, C::rd, t.n_ccd_l, column},
      {rank, C::wr, C::wr, t.n_ccd_s, column},
      {group, C::wr, C::wr, t.n_ccd_l, column},
      {rank, C::rd, C::wr, t.n_rtw, column},
      {rank, C::wr, C::rd, write_end + t.n_wtr_s, column},
      {group, C::wr, C::rd, t.n_cwl + t.n_bl_max + t.n_wtr_l, column},
      {bank, C::rd, C::pre, t.n_rtp, core},
      {rank, C::rd, C::prea, t.n_rtp, core},
      {bank, C::wr, C::pre, write_end + t.n_wr, core},
      {rank, C::wr, C::prea, write_end + t.n_wr, core},
      // Refresh.
      {rank, C::pre, C::refab, t.n_rp_pb, refresh},
      {rank, C::prea, C::refab, t.n_rp_ab, refresh},
      {rank, C::refab, C::act1, rfc_ab, refresh},
      {rank, C::refab, C::refab, rfc_ab, refresh},
      {bank, C::pre, C::refpb, t.n_rp_pb, refresh},
      {bank, C::refpb, C::act1, rfc_pb, refresh},
      {bank, C::refpb, C::refpb, rfc_pb, refresh},
      {rank, C::refpb, C::refab, rfc_pb, refresh},
      {rank, C::refpb, C::act1, cycles_of_ns(t.t_pbr2act_ns, t.ck_mhz), per_bank},
      {rank, C::refpb, C::refpb, cycles_of_ns(t.t_pbr2pbr_ns, t.ck_mhz), per_bank},
      {rank, C::act1, C::refpb, t.n_rrd, act_to_refresh},
      // Behind the HB ports; a PREA waits until each bank may be precharged.
      {bank, C::act1, C::nrd, t.n_rcd_nmp > 0 ? t.n_rcd_nmp : t.n_rcd, hb_core},
      {bank, C::act1, C::nwr, t.n_rcd_nmp > 0 ? t.n_rcd_nmp : t.n_rcd, hb_core},
      {bank, C::nrd, C::pre, t.n_rtp, hb_core},
      {bank, C::nwr, C::pre, t.n_wr, hb_core, 1, false, true},
      {bank, C::nwr, C::nrd, t.n_wtr_l, hb_core, 1, false, true},
  };
  if (config.organization.ranks == 1) return rules;
  const auto others = RuleScope::other_ranks;
  const Cycle apart = t.n_bl_min + t.n_rtrs;  // from first data to first data
  rules.push_back({others, C::rd, C::rd, apart, ranks});
  rules.push_back({others, C::wr, C::wr, apart, ranks});
  rules.push_back({others, C::rd, C::wr, t.n_cl - t.n_cwl + apart, ranks});
  rules.push_back({others, C::wr, C::rd, t.n_cwl - t.n_cl + apart, ranks});
  return rules;
}

}  // namespace bondsim
