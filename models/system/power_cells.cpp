#include "models/system/power_cells.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace bondsim {

PowerCells::PowerCells(const System& system) : spans_(static_cast<std::size_t>(system.channel_count()) + 1) {
  using C = EnergyComponent;
  add(0, C::npu_mac, "arrays", 1, false);
  add(0, C::npu_sram, "scratchpad", 1, false);
  add(0, C::vector, "vector", 1, false);
  add(0, C::static_power, "npu", 1, false);
  for (int channel = 0; channel < system.channel_count(); ++channel) {
    const int pes = system.pes_of(channel);
    const auto executor = static_cast<std::size_t>(channel) + 1;
    add_channel(executor, system.dram_of(channel).organization.banks(), pes);
    if (pes > 0 && system.nmp_of(channel).vector.lanes > 0) add(executor, C::vector, "pe", pes, true);
  }
}

void PowerCells::add_channel(std::size_t executor, int banks, int pes) {
  using C = EnergyComponent;
  for (const C component : {C::dram_activate, C::dram_array, C::dram_refresh}) add(executor, component, "bank", banks, true);
  add(executor, C::hb_io, "port", pes, true);
  add(executor, C::pe_mac, "pe", pes, true);
  add(executor, C::static_power, "pe", pes, true);
  add(executor, C::pe_sram, "buffer", pes, true);
  add(executor, C::offchip_io, "bus", 1, false);
  add(executor, C::offchip_io, "phy", 1, false);
  add(executor, C::dram_background, "standby", 1, false);
}

void PowerCells::add(std::size_t executor, EnergyComponent component, const char* unit, int places, bool numbered) {
  Span& span = spans_[executor][static_cast<std::size_t>(component)];
  if (span.places == 0) span.first = cells_.size();
  for (int i = 0; i < places; ++i) {
    cells_.push_back({executor, component, span.places++, numbered ? fmt::format("{}{}", unit, i) : unit});
  }
}

std::vector<WideInt> split_energy(WideInt energy, const std::vector<std::int64_t>& weights) {
  WideInt all = 0;
  for (const std::int64_t weight : weights) all += weight;
  const bool even = all == 0;
  if (even) all = static_cast<WideInt>(weights.size());
  std::vector<WideInt> parts;
  WideInt sum = 0, given = 0;
  for (const std::int64_t weight : weights) {
    sum += even ? 1 : weight;
    const WideInt until = energy * sum / all;
    parts.push_back(until - given);
    given = until;
  }
  return parts;
}

}  // namespace bondsim
