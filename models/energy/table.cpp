#include "models/energy/table.hpp"

#include <algorithm>
#include <cmath>

namespace bondsim {

const std::vector<std::pair<const char*, EnergyComponent>>& EnumNames<EnergyComponent>::names() {
  static const std::vector<std::pair<const char*, EnergyComponent>> list = {{"dram_activate", EnergyComponent::dram_activate},
                                                                            {"dram_array", EnergyComponent::dram_array},
                                                                            {"dram_refresh", EnergyComponent::dram_refresh},
                                                                            {"dram_background", EnergyComponent::dram_background},
                                                                            {"hb_io", EnergyComponent::hb_io},
                                                                            {"offchip_io", EnergyComponent::offchip_io},
                                                                            {"pe_mac", EnergyComponent::pe_mac},
                                                                            {"pe_sram", EnergyComponent::pe_sram},
                                                                            {"npu_mac", EnergyComponent::npu_mac},
                                                                            {"npu_sram", EnergyComponent::npu_sram},
                                                                            {"vector", EnergyComponent::vector},
                                                                            {"static", EnergyComponent::static_power}};
  return list;
}

const std::vector<std::pair<const char*, Confidence>>& EnumNames<Confidence>::names() {
  static const std::vector<std::pair<const char*, Confidence>> list = {
      {"measured", Confidence::measured}, {"paper", Confidence::paper}, {"estimate", Confidence::estimate}};
  return list;
}

EnergyCounts& EnergyCounts::operator+=(const EnergyCounts& o) {
  activates += o.activates;
  host_bits += o.host_bits;
  hb_bits += o.hb_bits;
  refreshed_rows += o.refreshed_rows;
  pe_macs += o.pe_macs;
  pe_sram_bits += o.pe_sram_bits;
  npu_macs += o.npu_macs;
  npu_sram_bits += o.npu_sram_bits;
  vector_ops += o.vector_ops;
  channel_time_ps += o.channel_time_ps;
  npu_time_ps += o.npu_time_ps;
  pe_time_ps += o.pe_time_ps;
  return *this;
}

namespace {

/// The PE's MAC energy at a clock: a given point, or the line through the two nearest (then an estimate).
EnergyEntry mac_energy(std::vector<MacEnergyPoint> points, int clock_mhz) {
  if (points.empty()) return {};
  std::sort(points.begin(), points.end(), [](const auto& a, const auto& b) { return a.clock_mhz < b.clock_mhz; });
  for (const auto& point : points) {
    if (point.clock_mhz == clock_mhz) return point.energy;
  }
  EnergyEntry entry = points.front().energy;
  entry.confidence = Confidence::estimate;
  if (points.size() == 1) return entry;
  std::size_t upper = 1;
  while (upper + 1 < points.size() && points[upper].clock_mhz < clock_mhz) ++upper;
  const auto& a = points[upper - 1];
  const auto& b = points[upper];
  const double slope = (b.energy.value - a.energy.value) / (b.clock_mhz - a.clock_mhz);
  entry.value = std::max(0.0, a.energy.value + slope * (clock_mhz - a.clock_mhz));
  return entry;
}

}  // namespace

EnergyModel::EnergyModel(const EnergyTable& table, int pe_clock_mhz, bool in_die) {
  add(EnergyComponent::dram_activate, &EnergyCounts::activates, table.activate);
  add(EnergyComponent::dram_array, &EnergyCounts::host_bits, table.array_host);
  add(EnergyComponent::dram_array, &EnergyCounts::hb_bits, table.array_hb);
  add(EnergyComponent::dram_refresh, &EnergyCounts::refreshed_rows, table.refresh_row);
  add(EnergyComponent::dram_background, &EnergyCounts::channel_time_ps, table.background);
  add(EnergyComponent::hb_io, &EnergyCounts::hb_bits, in_die ? table.in_die_io : table.hb_io);
  add(EnergyComponent::offchip_io, &EnergyCounts::host_bits, table.offchip_io);
  add(EnergyComponent::pe_mac, &EnergyCounts::pe_macs, mac_energy(in_die ? table.pe_mac_in_die : table.pe_mac_hybrid_bonded, pe_clock_mhz));
  add(EnergyComponent::pe_sram, &EnergyCounts::pe_sram_bits, table.pe_sram);
  add(EnergyComponent::npu_mac, &EnergyCounts::npu_macs, table.npu_mac);
  add(EnergyComponent::npu_sram, &EnergyCounts::npu_sram_bits, table.npu_sram);
  add(EnergyComponent::vector, &EnergyCounts::vector_ops, table.vector_op);
  add(EnergyComponent::static_power, &EnergyCounts::npu_time_ps, table.npu_static);
  add(EnergyComponent::static_power, &EnergyCounts::pe_time_ps, table.pe_static);
}

void EnergyModel::add(EnergyComponent component, std::int64_t EnergyCounts::*count, const EnergyEntry& entry) {
  // 1 pJ = 1e6 aJ; 1 mW = 1e-3 W = 1e-15 J/ps = 1000 aJ/ps = 1e6 zJ/ps.
  const bool power = entry.unit == "mW";
  const auto scaled = static_cast<WideInt>(std::llround(entry.value * 1e6));
  rates_.push_back({component, count, scaled, power, entry.confidence == Confidence::estimate});
}

Attojoules EnergyModel::of(const Rate& rate, const EnergyCounts& counts) const {
  const WideInt product = rate.attojoules * counts.*rate.count;
  return Attojoules(rate.power ? product / 1000 : product);
}

EnergyByComponent EnergyModel::energy(const EnergyCounts& counts) const {
  EnergyByComponent out{};
  for (const Rate& rate : rates_) out[static_cast<std::size_t>(rate.component)] += of(rate, counts);
  return out;
}

Attojoules EnergyModel::estimated(const EnergyCounts& counts) const {
  Attojoules sum;
  for (const Rate& rate : rates_) {
    if (rate.estimate) sum += of(rate, counts);
  }
  return sum;
}

void validate(const EnergyTable& table, const ConfigNode& node, const std::string& path) {
  const auto expect = [&](const EnergyEntry& entry, const char* key, const char* unit) {
    const ConfigNode* child = node.find(key);
    if (child != nullptr && entry.unit != unit) {
      config_error(*child, path + "." + key + ".unit", "'" + entry.unit + "' found, allowed: " + unit);
    }
  };
  expect(table.activate, "activate", "pJ");
  expect(table.refresh_row, "refresh_row", "pJ");
  expect(table.array_host, "array_host", "pJ/bit");
  expect(table.array_hb, "array_hb", "pJ/bit");
  expect(table.hb_io, "hb_io", "pJ/bit");
  expect(table.in_die_io, "in_die_io", "pJ/bit");
  expect(table.offchip_io, "offchip_io", "pJ/bit");
  expect(table.pe_sram, "pe_sram", "pJ/bit");
  expect(table.npu_sram, "npu_sram", "pJ/bit");
  expect(table.npu_mac, "npu_mac", "pJ/MAC");
  expect(table.vector_op, "vector_op", "pJ/op");
  expect(table.background, "background", "mW");
  expect(table.npu_static, "npu_static", "mW");
  expect(table.pe_static, "pe_static", "mW");
  for (const auto* points : {&table.pe_mac_hybrid_bonded, &table.pe_mac_in_die}) {
    for (const auto& point : *points) {
      if (point.energy.unit != "pJ/MAC") config_error(node, path + ".pe_mac", "'" + point.energy.unit + "' found, allowed: pJ/MAC");
    }
  }
}

}  // namespace bondsim
