#include "models/energy/table.hpp"

#include <algorithm>

#include "models/energy/counts.hpp"

namespace bondsim {

int EnergyTable::mac_format(MacEngine engine, Number activation, Number weight) const {
  for (std::size_t i = 0; i < mac_formats.size(); ++i) {
    const MacFormatEnergy& m = mac_formats[i];
    if (m.engine == engine && m.activation == activation && m.weight == weight) return static_cast<int>(i);
  }
  return -1;
}

namespace {

void validate_currents(const CurrentTable& table, const ConfigNode& node, const std::string& path) {
  const ConfigNode& currents = *node.find("currents");
  for (const char* key : {"activate", "array_host", "array_hb", "refresh_row", "background"}) {
    const ConfigNode* twice = node.find(key);
    if (twice != nullptr) config_error(*twice, path + "." + key, "currents price it already, allowed: one of the two");
  }
  const std::string in = path + ".currents";
  if (table.rails.empty()) config_error(*currents.find("rails"), in + ".rails", "no rail, allowed: at least one");
  if (table.t_ras_ns >= table.t_rc_ns) {
    config_error(*currents.find("t_ras_ns"), in + ".t_ras_ns",
                 fmt::format("{} ns, allowed: less than t_rc_ns, {} ns", table.t_ras_ns, table.t_rc_ns));
  }
  const ConfigNode& share = *currents.find("array_share");
  if (table.array_share.unit != "share" || table.array_share.value > 1) {
    config_error(share, in + ".array_share",
                 fmt::format("{} {}, allowed: 0 to 1, unit share", table.array_share.value, table.array_share.unit));
  }
  for (std::size_t i = 0; i < table.rails.size(); ++i) {
    for (const EnergyColumn column : {EnergyColumn::maximum, EnergyColumn::typical}) {
      const RailEnergy e = rail_energy(table, table.rails[i], column);
      if (std::min({e.activate_pj, e.read_pj_per_bit, e.write_pj_per_bit, e.refreshed_row_pj, e.active_standby_mw - e.precharge_standby_mw,
                    e.precharge_standby_mw - e.power_down_mw}) < -1e-9) {
        config_error(currents.find("rails")->items.at(i), fmt::format("{}.rails[{}]", in, i),
                     table.rails[i].rail + " draws less than in the standby state below, allowed: idd2p <= idd2n <= idd3n <= the others");
      }
    }
  }
}

}  // namespace

void validate(const EnergyTable& table, const ConfigNode& node, const std::string& path) {
  const auto expect = [&](const EnergyEntry& entry, const char* key, const char* unit) {
    const ConfigNode* child = node.find(key);
    if (child != nullptr && entry.unit != unit) {
      config_error(*child, path + "." + key + ".unit", "'" + entry.unit + "' found, allowed: " + unit);
    }
  };
  if (table.currents) validate_currents(*table.currents, node, path);
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
  expect(table.nmp_vector_op, "nmp_vector_op", "pJ/op");
  expect(table.background, "background", "mW");
  expect(table.npu_static, "npu_static", "mW");
  expect(table.pe_static, "pe_static", "mW");
  expect(table.pe_conversion, "pe_conversion", "pJ/op");
  expect(table.npu_conversion, "npu_conversion", "pJ/op");
  if (table.mac_formats.size() > max_mac_formats) {
    config_error(node, path + ".mac_formats", fmt::format("{} entries, allowed: up to {}", table.mac_formats.size(), max_mac_formats));
  }
  for (std::size_t i = 0; i < table.mac_formats.size(); ++i) {
    const MacFormatEnergy& m = table.mac_formats[i];
    const ConfigNode& item = node.find("mac_formats")->items.at(i);
    const std::string at = fmt::format("{}.mac_formats[{}]", path, i);
    if (m.energy.unit != "pJ/MAC") config_error(item, at + ".energy.unit", "'" + m.energy.unit + "' found, allowed: pJ/MAC");
    if (table.mac_format(m.engine, m.activation, m.weight) != static_cast<int>(i)) config_error(item, at, "given twice, allowed: once");
  }
  for (const auto& [key, points] :
       {std::pair("pe_mac_hybrid_bonded", &table.pe_mac_hybrid_bonded), std::pair("pe_mac_in_die", &table.pe_mac_in_die)}) {
    for (std::size_t i = 0; i < points->size(); ++i) {
      const std::string& unit = (*points)[i].energy.unit;
      if (unit == "pJ/MAC") continue;
      config_error(node.find(key)->items.at(i), fmt::format("{}.{}[{}].energy.unit", path, key, i),
                   "'" + unit + "' found, allowed: pJ/MAC");
    }
  }
}

}  // namespace bondsim
