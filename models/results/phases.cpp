#include "models/results/phases.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace bondsim {
namespace {

/// Times of a group of like executors in the phase, summed.
struct Group {
  std::string name;
  TimeParts time;
};

void add_phase(TimeParts& sum, const TimeParts& whole, const TimeParts& prefill, bool decode) {
  if (decode) sum.add_scaled(whole, 1);
  sum.add_scaled(prefill, decode ? -1 : 1);
}

double share(Picoseconds part, const TimeParts& whole) {
  return static_cast<double>(part.value) / static_cast<double>(std::max<std::int64_t>(1, whole.sum().value));
}

double busy_share(const Group& group) { return share(busy_time(group.time), group.time); }

std::vector<Group> groups_of(const Results& r, bool decode) {
  std::vector<Group> groups = {{"npu", {}}};
  add_phase(groups[0].time, r.npu, r.npu_prefill, decode);
  for (const ChannelResult& channel : r.channels) {
    const std::string name = channel.kind + " channels";
    auto found = std::find_if(groups.begin(), groups.end(), [&](const Group& g) { return g.name == name; });
    if (found == groups.end()) found = groups.insert(groups.end(), Group{name, {}});
    add_phase(found->time, channel.time, channel.prefill, decode);
  }
  return groups;
}

}  // namespace

Picoseconds phase_length(const Results& r, const std::string& phase) { return phase == "decode" ? r.decode() : r.prefill; }

Picoseconds busy_time(const TimeParts& parts) { return parts.sum() - parts.dependency - parts.idle; }

std::string time_text(double seconds) {
  if (seconds >= 1) return fmt::format("{:.3f} s", seconds);
  if (seconds >= 1e-3) return fmt::format("{:.3f} ms", seconds * 1e3);
  return fmt::format("{:.3f} us", seconds * 1e6);
}

double PhaseFigures::tokens_per_s() const { return time.value > 0 ? static_cast<double>(tokens) / to_seconds(time) : 0; }

double PhaseFigures::joules_per_token() const { return tokens > 0 ? to_joules(energy) / static_cast<double>(tokens) : 0; }

std::string PhaseFigures::bound() const {
  if (executor.empty()) return "nothing";
  return fmt::format("{}, busy {:.1f} % of the time, {:.1f} % with {}", executor, 100 * busy_share, 100 * part_share, part);
}

PhaseFigures phase_figures(const Results& r, const std::string& phase) {
  const bool decode = phase == "decode";
  PhaseFigures out;
  out.time = phase_length(r, phase);
  out.tokens = static_cast<std::int64_t>(decode ? r.generated_tokens : r.prompt_tokens) * r.schedule.batch;
  for (const OperatorResult& op : r.operators) {
    if (op.phase != phase) continue;
    for (const Attojoules e : op.energy) out.energy += e;
  }
  const auto groups = groups_of(r, decode);
  const auto busiest =
      std::max_element(groups.begin(), groups.end(), [](const Group& a, const Group& b) { return busy_share(a) < busy_share(b); });
  if (busy_share(*busiest) <= 0) return out;
  out.executor = busiest->name;
  out.busy_share = busy_share(*busiest);
  Picoseconds longest;
  for (const auto& [name, time] : named_parts(busiest->time)) {
    const std::string part = name;
    if (part == "dependency" || part == "idle" || time <= longest) continue;
    longest = time;
    out.part = part;
  }
  out.part_share = share(longest, busiest->time);
  return out;
}

}  // namespace bondsim
