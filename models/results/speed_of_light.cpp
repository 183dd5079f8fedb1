#include "models/results/speed_of_light.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "models/results/phases.hpp"

namespace bondsim {
namespace {

constexpr std::array<const char*, 2> phases = {"prefill", "decode"};

std::string peak_text(const UnitUse& use) {
  if (use.what == "bytes") return fmt::format("{:.1f} GB/s", use.peak_per_s / 1e9);
  return fmt::format("{:.3f} T{}/s", use.peak_per_s / 1e12, use.what == "MACs" ? "MAC" : "op");
}

/// Of the channel in the phase: neither waiting for others nor idle.
Picoseconds busy_of(const ChannelResult& channel, bool decode) {
  return decode ? busy_time(channel.time) - busy_time(channel.prefill) : busy_time(channel.prefill);
}

std::string slowest_text(const Results& r, const char* phase) {
  const auto slowest = slowest_channel(r, phase);
  if (!slowest) return "";
  std::string out = fmt::format("  slowest channel in {}: {}, busy {}", phase, slowest->name, time_text(to_seconds(slowest->busy)));
  if (slowest->channels > 1) {
    out += fmt::format(", {:.2f} % longer than the mean of {} of its kind", 100 * slowest->over_mean(), slowest->channels);
  }
  return out + "\n";
}

}  // namespace

std::vector<UnitUse> speed_of_light(const Results& r, const std::string& phase) {
  std::vector<UnitUse> units = {{"HB ports", "bytes", 0, r.peaks.hb_bytes_per_s},
                                {"channel buses", "bytes", 0, r.peaks.bus_bytes_per_s},
                                {"PEs", "MACs", 0, r.peaks.nmp_macs_per_s},
                                {"arrays", "MACs", 0, r.peaks.npu_macs_per_s},
                                {"vector units", "operations", 0, r.peaks.vector_ops_per_s},
                                {"NMP vector units", "operations", 0, r.peaks.nmp_vector_ops_per_s}};
  for (const OperatorResult& op : r.operators) {
    if (op.phase != phase) continue;
    const std::int64_t hb_bytes = op.counts.hb_bits() / 8;
    const std::array<std::int64_t, 6> done = {hb_bytes,           op.bytes - hb_bytes,  op.macs - op.counts.npu_macs,
                                              op.counts.npu_macs, op.counts.vector_ops, op.counts.nmp_vector_ops};
    for (std::size_t i = 0; i < units.size(); ++i) units[i].done += done[i];
  }
  units.erase(std::remove_if(units.begin(), units.end(), [](const UnitUse& u) { return u.peak_per_s <= 0; }), units.end());
  const double length = to_seconds(phase_length(r, phase));
  for (UnitUse& u : units) u.share = length > 0 ? static_cast<double>(u.done) / (u.peak_per_s * length) : 0;
  return units;
}

std::string limiter_sentence(const Results& r, const std::string& phase) {
  const auto units = speed_of_light(r, phase);
  const auto first = std::max_element(units.begin(), units.end(), [](const UnitUse& a, const UnitUse& b) { return a.share < b.share; });
  if (first == units.end() || first->share <= 0) return fmt::format("{} moves and computes nothing", phase);
  const double length = to_seconds(phase_length(r, phase));
  return fmt::format("{} is limited most by the {}: they reach {:.1f} % of their peak, and at their full speed would need {} of its {}",
                     phase, first->unit, 100 * first->share, time_text(length * first->share), time_text(length));
}

std::optional<SlowestChannel> slowest_channel(const Results& r, const std::string& phase) {
  const bool decode = phase == "decode";
  const ChannelResult* slowest = nullptr;
  for (const ChannelResult& channel : r.channels) {
    if (slowest == nullptr || busy_of(channel, decode) > busy_of(*slowest, decode)) slowest = &channel;
  }
  if (slowest == nullptr || busy_of(*slowest, decode).value <= 0) return std::nullopt;
  SlowestChannel out{slowest->name, busy_of(*slowest, decode), 0, 0};
  Picoseconds sum;
  for (const ChannelResult& channel : r.channels) {
    if (channel.kind != slowest->kind) continue;
    sum += busy_of(channel, decode);
    ++out.channels;
  }
  out.mean_busy_s = to_seconds(sum) / out.channels;
  return out;
}

std::vector<const OperatorResult*> busiest_operators(const Results& r, std::size_t count) {
  std::vector<const OperatorResult*> rows;
  for (const OperatorResult& op : r.operators) {
    if (op.executor != "system" && op.busy.value > 0) rows.push_back(&op);
  }
  std::stable_sort(rows.begin(), rows.end(), [](const OperatorResult* a, const OperatorResult* b) { return a->busy > b->busy; });
  rows.resize(std::min(rows.size(), count));
  return rows;
}

std::string speed_of_light_text(const Results& r) {
  std::string out = fmt::format("share of the peak     {:>14}{:>11}{:>11}\n", "peak", phases[0], phases[1]);
  const auto prefill = speed_of_light(r, phases[0]);
  const auto decode = speed_of_light(r, phases[1]);
  for (std::size_t i = 0; i < prefill.size(); ++i) {
    out += fmt::format("  {:<20}{:>14}{:>9.1f} %{:>9.1f} %\n", prefill[i].unit, peak_text(prefill[i]), 100 * prefill[i].share,
                       100 * decode[i].share);
  }
  for (const char* phase : phases) {
    if (phase_length(r, phase).value > 0) out += fmt::format("  {}\n", limiter_sentence(r, phase));
  }
  for (const char* phase : phases) out += slowest_text(r, phase);
  return out;
}

}  // namespace bondsim
