#include <algorithm>

#include "models/base/fields.hpp"
#include "models/results/expert_balance.hpp"
#include "models/results/phases.hpp"
#include "models/results/results.hpp"
#include "models/results/speed_of_light.hpp"

namespace bondsim {
namespace {

/// `column 41.2 %, row 20.1 %, ...`, largest first, what is under 0.05 % left out.
std::string shares_text(const TimeParts& parts) {
  auto named = named_parts(parts);
  std::stable_sort(named.begin(), named.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  const double whole = static_cast<double>(std::max<std::int64_t>(1, parts.sum().value));
  std::string out;
  for (const auto& part : named) {
    const double share = 100.0 * static_cast<double>(part.second.value) / whole;
    if (share < 0.05) continue;
    out += fmt::format("{}{} {:.1f} %", out.empty() ? "" : ", ", part.first, share);
  }
  return out;
}

/// The five operators with the most busy time, and its share of the run.
std::string operators_text(const Results& r) {
  std::string out;
  for (const OperatorResult* op : busiest_operators(r, 5)) {
    const double share = 100 * static_cast<double>(op->busy.value) / static_cast<double>(std::max<std::int64_t>(1, r.total.value));
    out += fmt::format("{}{} in {} {:.1f} %", out.empty() ? "" : ", ", op->name, op->phase, share);
  }
  return out;
}

std::string channels_text(const Results& r, const std::string& kind) {
  TimeParts sum;
  int count = 0;
  for (const ChannelResult& ch : r.channels) {
    if (ch.kind != kind) continue;
    sum.add_scaled(ch.time, 1);
    ++count;
  }
  return count == 0 ? std::string() : fmt::format("  {} {} channel{}: {}\n", count, kind, count > 1 ? "s" : "", shares_text(sum));
}

}  // namespace

std::string energy_shares(const Results& r) {
  std::vector<EnumEntry<EnergyComponent>> named(std::begin(enum_names<EnergyComponent>), std::end(enum_names<EnergyComponent>));
  std::stable_sort(named.begin(), named.end(), [&](const auto& a, const auto& b) {
    return r.energy[static_cast<std::size_t>(a.second)] > r.energy[static_cast<std::size_t>(b.second)];
  });
  std::string out;
  const double total = std::max(1e-30, to_joules(r.energy_total));
  for (const auto& entry : named) {
    const double share = 100.0 * to_joules(r.energy[static_cast<std::size_t>(entry.second)]) / total;
    if (share >= 0.05) out += fmt::format("{}{} {:.1f} %", out.empty() ? "" : ", ", entry.first, share);
  }
  return out;
}

namespace {

/// `  14 of them: average 0.412 W, peak 0.683 W`; the channel with the highest peak.
std::string power_line(const Results& r, const char* what, PowerResult ChannelResult::*power, const char* kind, double parts) {
  PowerResult most, sum;
  double channels = 0;
  for (const ChannelResult& ch : r.channels) {
    if (ch.kind != kind) continue;
    const PowerResult& p = ch.*power;
    sum.energy += p.energy;
    ++channels;
    if (p.highest_w() >= most.highest_w()) most = p;
  }
  if (channels == 0) return "";
  return fmt::format("  {:<20}{:>9.4f} W average, {:.4f} W in the block of {} that takes most\n", what,
                     sum.average_w(r.total) / channels / parts, most.highest_w() / parts, time_text(to_seconds(most.block_length)));
}

std::string activation_text(const ActivationCurrent& a) {
  if (a.pes == 0) return "";
  std::string out = fmt::format("  activation          {} rows within t_faw ({:g} ns), {:g} times what it allows", a.in_window, a.window_ns,
                                a.in_window / 4.0);
  if (a.charge_pc > 0) out += fmt::format(": {:.0f} of {:.0f} mA from {}", a.window_ma(a.in_window), a.window_ma(4), a.rail);
  if (a.staggered) return out + fmt::format("; the last bank of a row opens {:g} ns after the first\n", a.last_bank_ns);
  return out + fmt::format("; activate_policy: staggered keeps it and opens the last bank {:g} ns later\n", a.last_bank_ns);
}

}  // namespace

std::string power_text(const Results& r) {
  std::string out = "power, at maximum currents\n";
  out += fmt::format("  {:<20}{:>9.4f} W average, {:.4f} W in the block of {} that takes most\n", "NPU", r.npu_power.average_w(r.total),
                     r.npu_power.highest_w(), time_text(to_seconds(r.npu_power.block_length)));
  out += power_line(r, "an nmp channel", &ChannelResult::power, "nmp", 1);
  out += power_line(r, "  a bank group", &ChannelResult::banks, "nmp", std::max(1, r.activation.bank_groups));
  out += power_line(r, "  a PE", &ChannelResult::pes, "nmp", std::max(1, r.activation.pes));
  out += power_line(r, "a normal channel", &ChannelResult::power, "normal", 1);
  return out + activation_text(r.activation);
}

std::string results_headline(const Results& r, const std::string& done) {
  const double tokens = std::max(1.0, static_cast<double>(r.generated_tokens) * r.schedule.batch);
  const Picoseconds mean = r.steps.empty() ? Picoseconds() : Picoseconds(r.decode().value / static_cast<std::int64_t>(r.steps.size()));
  const std::string layers = fmt::format(r.schedule.all_layers ? "all {}" : "one {} and multiplied", done);
  std::string out;
  out += fmt::format("{} on {}, dataflow {}; batch {}, {} prompt and {} generated tokens; {} layers, {}\n", r.schedule.model, r.system,
                     r.schedule.dataflow, r.schedule.batch, r.prompt_tokens, r.generated_tokens, r.schedule.layers, layers);
  const auto line = [](const char* name, const PhaseFigures& p) {
    return fmt::format("  {:<21} {:>14}   {:.2f} tokens/s, {:.4f} J, {:.3f} mJ/token\n", name, time_text(to_seconds(p.time)),
                       p.tokens_per_s(), to_joules(p.energy), 1e3 * p.joules_per_token());
  };
  if (r.prefill.value > 0) out += line("prefill", phase_figures(r, "prefill"));
  out += line("decode", phase_figures(r, "decode"));
  out += fmt::format("  {:<21} {:>14}   mean; 99th percentile {}\n", r.speculation ? "time of a round" : "time between tokens",
                     time_text(to_seconds(mean)), time_text(to_seconds(r.step_percentile(0.99))));
  out += fmt::format("  total                 {:>14}\n", time_text(to_seconds(r.total)));
  out += fmt::format("  energy                {:>12.4f} J   {:.3f} mJ/token, {:.1f} % of it rests on estimates\n",
                     to_joules(r.energy_total), to_joules(r.energy_total) / tokens * 1e3,
                     100.0 * to_joules(r.energy_estimated) / std::max(1e-30, to_joules(r.energy_total)));
  if (!r.rails.empty()) {
    out += fmt::format("  at typical currents   {:>12.4f} J   {:.3f} mJ/token, {:.1f} % of it rests on estimates\n",
                       to_joules(r.typical_total), to_joules(r.typical_total) / tokens * 1e3,
                       100.0 * to_joules(r.typical_estimated) / std::max(1e-30, to_joules(r.typical_total)));
  }
  return out;
}

std::string results_summary(const Results& r) {
  std::string out = results_headline(r) + speculation_text(r);
  for (const char* phase : {"prefill", "decode"}) {
    if (phase_length(r, phase).value == 0) continue;
    out += fmt::format("{} is bound by {}\n", phase, phase_figures(r, phase).bound());
  }
  out += speed_of_light_text(r) + expert_text(r);
  out += "where the time went\n";
  out += fmt::format("  NPU: {}\n", shares_text(r.npu));
  if (r.prefill.value > 0)
    out += fmt::format("  NPU in prefill: at {:.1f} % of the arrays' peak, bound by {}: {}\n", 100 * r.npu_prefill_utilization(),
                       r.npu_prefill_bound(), shares_text(r.npu_prefill));
  out += channels_text(r, "nmp");
  out += channels_text(r, "normal");
  out += fmt::format("  operators: {}\n", operators_text(r));
  out += fmt::format("where the energy went\n  {}\n", energy_shares(r));
  if (!r.rails.empty()) {
    out += "  DRAM rails:";
    for (const RailResult& rail : r.rails) {
      out += fmt::format("{} {} {:.4f} J (typical {:.4f})", &rail == &r.rails.front() ? "" : ",", rail.rail, to_joules(rail.maximum),
                         to_joules(rail.typical));
    }
    out += "\n";
  }
  out += power_text(r);
  out += fmt::format("configuration {}, {} kernel events in {:.2f} s\n", r.config_digest, r.events, r.wall_s);
  return out;
}

}  // namespace bondsim
