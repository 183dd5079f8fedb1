#include "models/energy/model.hpp"

#include <algorithm>
#include <cmath>

namespace bondsim {
namespace {

constexpr double bits_per_gbit = 1024.0 * 1024.0 * 1024.0;
constexpr double attojoules_per_pj = 1e6;
constexpr double attojoules_per_ps_at_1_mw = 1e3;

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

/// Confidence of what follows from these currents in a column: that of the less certain one.
Confidence confidence_of(const CurrentTable& table, EnergyColumn column, const std::optional<Current>& a, const std::optional<Current>& b) {
  if (column == EnergyColumn::typical) return table.typical_confidence;
  return std::max(a ? a->confidence : Confidence::measured, b ? b->confidence : Confidence::measured);
}

}  // namespace

EnergyModel::EnergyModel(const EnergyTable& table, const EnergyContext& context) {
  if (table.currents) {
    for (const RailCurrents& rail : table.currents->rails) add_rail(*table.currents, rail, context);
  }
  add_dram(table);
  const EnergyEntry& port = context.in_die ? table.in_die_io : table.hb_io;
  add(EnergyComponent::hb_io, &EnergyCounts::hb_read_bits, port);
  add(EnergyComponent::hb_io, &EnergyCounts::hb_write_bits, port);
  add(EnergyComponent::offchip_io, &EnergyCounts::host_read_bits, table.offchip_io);
  add(EnergyComponent::offchip_io, &EnergyCounts::host_write_bits, table.offchip_io);
  add(EnergyComponent::offchip_io, &EnergyCounts::buffer_read_bits, table.offchip_io);
  add(EnergyComponent::offchip_io, &EnergyCounts::buffer_write_bits, table.offchip_io);
  const EnergyEntry pe_mac = mac_energy(context.in_die ? table.pe_mac_in_die : table.pe_mac_hybrid_bonded, context.pe_clock_mhz);
  add(EnergyComponent::pe_mac, &EnergyCounts::pe_macs, pe_mac);
  add(EnergyComponent::pe_sram, &EnergyCounts::pe_sram_bits, table.pe_sram);
  add(EnergyComponent::npu_mac, &EnergyCounts::npu_macs, table.npu_mac);
  add_formats(table, pe_mac, table.npu_mac);
  add(EnergyComponent::npu_sram, &EnergyCounts::npu_sram_bits, table.npu_sram);
  add(EnergyComponent::vector, &EnergyCounts::vector_ops, table.vector_op);
  EnergyEntry nmp_vector = table.nmp_vector_op;
  if (nmp_vector.unit.empty()) nmp_vector = {pe_mac.value, "pJ/op", {}, {}, Confidence::estimate};
  add(EnergyComponent::vector, &EnergyCounts::nmp_vector_ops, nmp_vector);
  add(EnergyComponent::static_power, &EnergyCounts::npu_time_ps, table.npu_static);
  add(EnergyComponent::static_power, &EnergyCounts::pe_time_ps, table.pe_static);
}

/// MACs of other numbers leave the base price, which all of them have so far, for their own; those without one keep it, as an estimate.
void EnergyModel::add_formats(const EnergyTable& table, const EnergyEntry& pe_mac, const EnergyEntry& npu_mac) {
  const auto engine = [&](EnergyComponent component, std::int64_t EnergyCounts::*listed, std::int64_t EnergyCounts::*unlisted,
                          std::int64_t EnergyCounts::*conversions, const EnergyEntry& base, EnergyEntry conversion) {
    const double attojoules = base.value * attojoules_per_pj;
    add(component, listed, -attojoules, base.confidence);
    add(component, unlisted, -attojoules, base.confidence);
    add(component, unlisted, attojoules, Confidence::estimate);
    if (conversion.unit.empty()) conversion = {base.value, "pJ/op", {}, {}, Confidence::estimate};
    add(component, conversions, conversion);
  };
  engine(EnergyComponent::pe_mac, &EnergyCounts::pe_listed_macs, &EnergyCounts::pe_unlisted_macs, &EnergyCounts::pe_conversions, pe_mac,
         table.pe_conversion);
  engine(EnergyComponent::npu_mac, &EnergyCounts::npu_listed_macs, &EnergyCounts::npu_unlisted_macs, &EnergyCounts::npu_conversions,
         npu_mac, table.npu_conversion);
  for (std::size_t i = 0; i < table.mac_formats.size(); ++i) {
    const MacFormatEnergy& m = table.mac_formats[i];
    rates_.push_back({m.engine == MacEngine::pe ? EnergyComponent::pe_mac : EnergyComponent::npu_mac, nullptr,
                      static_cast<WideInt>(std::llround(m.energy.value * attojoules_per_pj)), m.energy.confidence == Confidence::estimate,
                      -1, i});
  }
}

/// The entries of a table without currents; zero in one with.
void EnergyModel::add_dram(const EnergyTable& table) {
  add(EnergyComponent::dram_activate, &EnergyCounts::activates, table.activate);
  add(EnergyComponent::dram_array, &EnergyCounts::host_read_bits, table.array_host);
  add(EnergyComponent::dram_array, &EnergyCounts::host_write_bits, table.array_host);
  add(EnergyComponent::dram_array, &EnergyCounts::hb_read_bits, table.array_hb);
  add(EnergyComponent::dram_array, &EnergyCounts::hb_write_bits, table.array_hb);
  add(EnergyComponent::dram_refresh, &EnergyCounts::refreshed_rows, table.refresh_row);
  add(EnergyComponent::dram_background, &EnergyCounts::channel_time_ps, table.background);
}

void EnergyModel::add_rail(const CurrentTable& table, const RailCurrents& rail, const EnergyContext& context) {
  const EnergyColumn column = context.column;
  const RailEnergy energy = rail_energy(table, rail, column);
  const auto index = static_cast<std::int32_t>(rails_.size());
  rails_.push_back(rail.rail);
  const double dies = std::max(1.0, std::ceil(static_cast<double>(context.channel_bytes) * 8 / (table.die_gbit * bits_per_gbit) - 1e-9));
  const double pages = static_cast<double>(context.page_bytes) / table.page_bytes;
  const auto put = [&](EnergyComponent component, std::int64_t EnergyCounts::*count, double attojoules,
                       const std::optional<Current>& current, const std::optional<Current>& standby) {
    add(component, count, attojoules, confidence_of(table, column, current, standby), index);
  };
  put(EnergyComponent::dram_activate, &EnergyCounts::activates, energy.activate_pj * pages * attojoules_per_pj, rail.idd0, rail.idd3n);
  const EnergyComponent burst = rail.io ? EnergyComponent::offchip_io : EnergyComponent::dram_array;
  const double read = energy.read_pj_per_bit * attojoules_per_pj, write = energy.write_pj_per_bit * attojoules_per_pj;
  put(burst, &EnergyCounts::host_read_bits, read, rail.idd4r, rail.idd3n);
  put(burst, &EnergyCounts::host_write_bits, write, rail.idd4w, rail.idd3n);
  if (rail.io) {
    put(burst, &EnergyCounts::buffer_read_bits, read, rail.idd4r, rail.idd3n);
    put(burst, &EnergyCounts::buffer_write_bits, write, rail.idd4w, rail.idd3n);
  } else {
    const EnergyEntry& share = table.array_share;
    const auto certain = [&](const std::optional<Current>& burst_current) {
      return std::max(confidence_of(table, column, burst_current, rail.idd3n), share.confidence);
    };
    add(burst, &EnergyCounts::hb_read_bits, read * share.value, certain(rail.idd4r), index);
    add(burst, &EnergyCounts::hb_write_bits, write * share.value, certain(rail.idd4w), index);
  }
  put(EnergyComponent::dram_refresh, &EnergyCounts::refreshed_rows, energy.refreshed_row_pj * pages * attojoules_per_pj, rail.idd5,
      rail.idd2n);
  const double standby = dies * energy.precharge_standby_mw, opened = dies * (energy.active_standby_mw - energy.precharge_standby_mw);
  put(EnergyComponent::dram_background, &EnergyCounts::channel_time_ps, standby * attojoules_per_ps_at_1_mw, rail.idd2n, rail.idd2n);
  put(EnergyComponent::dram_background, &EnergyCounts::rows_open_ps, opened * attojoules_per_ps_at_1_mw, rail.idd3n, rail.idd2n);
}

void EnergyModel::add(EnergyComponent component, std::int64_t EnergyCounts::*count, const EnergyEntry& entry) {
  add(component, count, entry.value * (entry.unit == "mW" ? attojoules_per_ps_at_1_mw : attojoules_per_pj), entry.confidence);
}

void EnergyModel::add(EnergyComponent component, std::int64_t EnergyCounts::*count, double attojoules, Confidence confidence,
                      std::int32_t rail) {
  const auto whole = static_cast<WideInt>(std::llround(attojoules));
  if (whole != 0) rates_.push_back({component, count, whole, confidence == Confidence::estimate, rail});
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

std::vector<Attojoules> EnergyModel::by_rail(const EnergyCounts& counts) const {
  std::vector<Attojoules> out(rails_.size());
  for (const Rate& rate : rates_) {
    if (rate.rail >= 0) out[static_cast<std::size_t>(rate.rail)] += of(rate, counts);
  }
  return out;
}

double EnergyModel::pj_per(std::int64_t EnergyCounts::*count) const {
  double sum = 0;
  for (const auto& named : enum_names<EnergyComponent>) sum += pj_per(count, named.second);
  return sum;
}

double EnergyModel::pj_per(std::int64_t EnergyCounts::*count, EnergyComponent component) const {
  double sum = 0;
  for (const Rate& rate : rates_) {
    if (rate.count == count && rate.component == component) sum += static_cast<double>(rate.attojoules) / attojoules_per_pj;
  }
  return sum;
}

}  // namespace bondsim
