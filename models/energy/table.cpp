#include "models/energy/table.hpp"

#include <algorithm>

namespace bondsim {

const std::vector<std::pair<const char*, Confidence>>& EnumNames<Confidence>::names() {
  static const std::vector<std::pair<const char*, Confidence>> list = {{"measured", Confidence::measured},
                                                                       {"transcribed", Confidence::transcribed},
                                                                       {"paper", Confidence::paper},
                                                                       {"estimate", Confidence::estimate}};
  return list;
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
