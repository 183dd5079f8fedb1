#include "models/thermal/ladder.hpp"

#include <algorithm>

#include "models/base/error.hpp"

namespace bondsim {

std::size_t refresh_step(const DramConfig& dram, double temperature_c) {
  const auto& rates = dram.refresh_rates;
  const auto step = std::find_if(rates.begin(), rates.end(), [&](const RefreshRate& r) { return temperature_c <= r.up_to_c; });
  const auto number = static_cast<std::size_t>(step - rates.begin());
  return rates.empty() ? 0 : std::min(number, rates.size() - 1);
}

std::size_t next_refresh_step(const DramConfig& dram, std::size_t now, double temperature_c, double hysteresis_c) {
  const std::size_t up = refresh_step(dram, temperature_c);
  return up >= now ? up : std::min(now, refresh_step(dram, temperature_c + hysteresis_c));
}

std::vector<std::size_t> refresh_steps(const System& system) {
  std::vector<std::size_t> steps;
  for (int channel = 0; channel < system.channel_count(); ++channel) {
    const DramConfig& dram = system.dram_of(channel);
    steps.push_back(refresh_step(dram, dram.temperature_c));
  }
  return steps;
}

namespace {

/// A temperature of the step; the part's own where it is on it.
double temperature_of(const DramConfig& dram, std::size_t step) {
  if (dram.refresh_rates.empty() || refresh_step(dram, dram.temperature_c) == step) return dram.temperature_c;
  return dram.refresh_rates.at(step).up_to_c;
}

}  // namespace

System at_refresh_steps(const System& system, const std::vector<std::size_t>& steps) {
  check(steps.size() == static_cast<std::size_t>(system.channel_count()), "refresh steps of {} channels, not {}", steps.size(),
        system.channel_count());
  System out = system;
  const bool alike = std::all_of(steps.begin(), steps.end(), [&](std::size_t step) { return step == steps.front(); }) &&
                     std::none_of(system.channels.begin(), system.channels.end(), [](const ChannelGroup& g) { return g.dram.has_value(); });
  if (alike) {
    out.dram.temperature_c = temperature_of(system.dram, steps.front());
    return out;
  }
  out.channels.clear();
  int channel = 0;
  for (const ChannelGroup& group : system.channels) {
    for (int i = 0; i < group.count; ++i, ++channel) {
      const std::size_t step = steps[static_cast<std::size_t>(channel)];
      if (i > 0 && step == steps[static_cast<std::size_t>(channel) - 1]) {
        ++out.channels.back().count;
        continue;
      }
      ChannelGroup part = group;
      part.count = 1;
      const DramConfig& dram = system.dram_of(channel);
      if (temperature_of(dram, step) != dram.temperature_c) {
        part.dram = dram;
        part.dram->temperature_c = temperature_of(dram, step);
      }
      out.channels.push_back(std::move(part));
    }
  }
  return out;
}

System with_leakage(System system, double npu_factor, double pe_factor) {
  system.energy.npu_static.value *= npu_factor;
  system.energy.pe_static.value *= pe_factor;
  for (ChannelGroup& group : system.channels) {
    if (group.energy) group.energy->pe_static.value *= pe_factor;
  }
  return system;
}

std::size_t throttle_level(const ThrottlePolicy& policy, std::size_t now, double temperature_c) {
  const auto level_at = [&](double c) {
    std::size_t level = 0;
    while (level < policy.steps.size() && c > policy.steps[level].above_c) ++level;
    return level;
  };
  const std::size_t up = level_at(temperature_c);
  return up >= now ? up : std::min(now, level_at(temperature_c + policy.hysteresis_c));
}

}  // namespace bondsim
