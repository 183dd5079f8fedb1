#pragma once
#include <optional>
#include <string>
#include <vector>

#include "models/base/element_bytes.hpp"
#include "models/energy/currents.hpp"
#include "models/energy/entry.hpp"

namespace bondsim {

/// pJ/MAC at some clock frequencies; in between, linear.
struct MacEnergyPoint {
  int clock_mhz = 0;
  EnergyEntry energy;
};

enum class MacEngine { pe, npu };
template <>
inline constexpr EnumEntry<MacEngine> enum_names<MacEngine>[] = {{"pe", MacEngine::pe}, {"npu", MacEngine::npu}};

/// pJ of a MAC of two numbers that are not the base pair (FP16).
struct MacFormatEnergy {
  MacEngine engine = MacEngine::pe;
  Number activation = Number::int8;
  Number weight = Number::int8;
  EnergyEntry energy;
};

/// The energy of every counted action. Actions that a table leaves out cost nothing there. The DRAM is priced either by `currents` or by
/// activate, array_host, array_hb, refresh_row and background.
struct EnergyTable {
  std::string name;
  std::optional<CurrentTable> currents;
  EnergyEntry activate;       ///< pJ: one row of one bank, opened and closed
  EnergyEntry array_host;     ///< pJ/bit: cells and on-die path of a host access
  EnergyEntry array_hb;       ///< pJ/bit: cells and path of an access through the bank's own port
  EnergyEntry refresh_row;    ///< pJ: one row refreshed
  EnergyEntry background;     ///< mW a channel
  EnergyEntry hb_io;          ///< pJ/bit
  EnergyEntry in_die_io;      ///< pJ/bit: instead of hb_io where the PEs are in the DRAM die
  EnergyEntry offchip_io;     ///< pJ/bit; with currents, what the DRAM's own rails do not pay of it
  EnergyEntry pe_sram;        ///< pJ/bit
  EnergyEntry npu_mac;        ///< pJ/MAC
  EnergyEntry npu_sram;       ///< pJ/bit
  EnergyEntry vector_op;      ///< pJ/op
  EnergyEntry nmp_vector_op;  ///< pJ/op: of a channel's vector unit; left out: a MAC of the PE, an estimate
  EnergyEntry npu_static;     ///< mW
  EnergyEntry pe_static;      ///< mW a PE
  std::vector<MacEnergyPoint> pe_mac_hybrid_bonded;
  std::vector<MacEnergyPoint> pe_mac_in_die;
  std::vector<MacFormatEnergy> mac_formats;  ///< at most max_mac_formats
  EnergyEntry pe_conversion;                 ///< pJ/op: a stationary element made the activations' number; left out: a MAC, an estimate
  EnergyEntry npu_conversion;                ///< likewise in the NPU; conversions on its vector units cost vector_op too

  /// Index into mac_formats; -1: none.
  int mac_format(MacEngine engine, Number activation, Number weight) const;
};

/// Decodes `schema: bondsim.energy/1`. Entries that are not given stay at zero.
template <class Visitor>
void fields(Visitor& v, MacEnergyPoint& c) {
  v.field("clock_mhz", c.clock_mhz, required("clock the number holds at").range(1, 10000).in("MHz"));
  v.section("energy", c.energy, required("energy of a MAC"));
}
template <class Visitor>
void fields(Visitor& v, MacFormatEnergy& c) {
  v.field("engine", c.engine, required("PEs or arrays"));
  v.field("activation", c.activation, required("number of the activations"));
  v.field("weight", c.weight, required("number of the stationary operand"));
  v.section("energy", c.energy, required("energy of a MAC"));
}
template <class Visitor>
void fields(Visitor& v, EnergyTable& c) {
  v.field("name", c.name, required("name of the table"));
  v.section("currents", c.currents, defaulted("the DRAM's currents, which then price rows, bursts, refresh and standby"));
  v.section("activate", c.activate, defaulted("a row of a bank opened and closed").in("pJ"));
  v.section("array_host", c.array_host, defaulted("cells and on-die path of a host access").in("pJ/bit"));
  v.section("array_hb", c.array_hb, defaulted("cells and path of an access through the bank's own port").in("pJ/bit"));
  v.section("refresh_row", c.refresh_row, defaulted("a row of a bank refreshed").in("pJ"));
  v.section("background", c.background, defaulted("a channel, always").in("mW"));
  v.section("hb_io", c.hb_io, defaulted("the hybrid-bonding port").in("pJ/bit"));
  v.section("in_die_io", c.in_die_io, defaulted("the way from a bank to a PE in the DRAM die, instead of hb_io").in("pJ/bit"));
  v.section("offchip_io", c.offchip_io, defaulted("the channel bus").in("pJ/bit"));
  v.section("pe_sram", c.pe_sram, defaulted("buffers of the PEs and of the channel").in("pJ/bit"));
  v.section("npu_mac", c.npu_mac, defaulted("a MAC of the NPU").in("pJ/MAC"));
  v.section("npu_sram", c.npu_sram, defaulted("the NPU's scratchpad").in("pJ/bit"));
  v.section("vector_op", c.vector_op, defaulted("an operation of a vector lane").in("pJ/op"));
  v.section("nmp_vector_op", c.nmp_vector_op,
            defaulted("an operation of a channel's vector unit; left out: a MAC of its PEs, an estimate").in("pJ/op"));
  v.section("npu_static", c.npu_static, defaulted("the NPU, always").in("mW"));
  v.section("pe_static", c.pe_static, defaulted("a PE, always").in("mW"));
  v.sections("pe_mac_hybrid_bonded", c.pe_mac_hybrid_bonded, defaulted("a MAC of a PE on the logic die, by clock"));
  v.sections("pe_mac_in_die", c.pe_mac_in_die, defaulted("a MAC of a PE in the DRAM die, by clock"));
  v.sections("mac_formats", c.mac_formats,
             defaulted("a MAC of numbers other than FP16; without an entry it costs what FP16 does, an estimate"));
  v.section("pe_conversion", c.pe_conversion,
            defaulted("a weight made the activations' number in a PE; left out: a MAC, an estimate").in("pJ/op"));
  v.section("npu_conversion", c.npu_conversion, defaulted("the same in the NPU's arrays").in("pJ/op"));
}

/// Checks units, and that nothing of the DRAM is priced twice. @throws ConfigError through `node`, the table's own.
void validate(const EnergyTable& table, const ConfigNode& node, const std::string& path);

}  // namespace bondsim
