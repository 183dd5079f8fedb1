#pragma once
#include <array>
#include <map>
#include <string>
#include <vector>

#include "models/base/fields.hpp"
#include "models/base/quantity.hpp"

namespace bondsim {

/// Where energy goes, as reported.
enum class EnergyComponent {
  dram_activate,
  dram_array,
  dram_refresh,
  dram_background,
  hb_io,
  offchip_io,
  pe_mac,
  pe_sram,
  npu_mac,
  npu_sram,
  vector,
  static_power
};
inline constexpr std::size_t energy_components = 12;
template <>
struct EnumNames<EnergyComponent> {
  static const std::vector<std::pair<const char*, EnergyComponent>>& names();
};

/// How far a number can be trusted.
enum class Confidence { measured, paper, estimate };
template <>
struct EnumNames<Confidence> {
  static const std::vector<std::pair<const char*, Confidence>>& names();
};

/// One number of a table with where it comes from. What unit it must have depends on the action.
struct EnergyEntry {
  double value = 0;
  std::string unit;      ///< pJ, pJ/bit, pJ/MAC, pJ/op or mW
  std::string boundary;  ///< what the number includes
  std::string source;
  Confidence confidence = Confidence::estimate;
};

/// pJ/MAC at some clock frequencies; in between, linear.
struct MacEnergyPoint {
  int clock_mhz = 0;
  EnergyEntry energy;
};

/// The energy of every counted action. Actions that a table leaves out cost nothing there.
struct EnergyTable {
  std::string name;
  EnergyEntry activate;     ///< pJ: one row of one bank, opened and closed
  EnergyEntry array_host;   ///< pJ/bit: cells and on-die path of a host access
  EnergyEntry array_hb;     ///< pJ/bit: cells and path of an access through the bank's own port
  EnergyEntry refresh_row;  ///< pJ: one row refreshed
  EnergyEntry background;   ///< mW a channel
  EnergyEntry hb_io;        ///< pJ/bit
  EnergyEntry in_die_io;    ///< pJ/bit: instead of hb_io where the PEs are in the DRAM die
  EnergyEntry offchip_io;   ///< pJ/bit
  EnergyEntry pe_sram;      ///< pJ/bit
  EnergyEntry npu_mac;      ///< pJ/MAC
  EnergyEntry npu_sram;     ///< pJ/bit
  EnergyEntry vector_op;    ///< pJ/op
  EnergyEntry npu_static;   ///< mW
  EnergyEntry pe_static;    ///< mW a PE
  std::vector<MacEnergyPoint> pe_mac_hybrid_bonded;
  std::vector<MacEnergyPoint> pe_mac_in_die;
};

/// Counted actions of one operator (or of none), on all executors together.
struct EnergyCounts {
  std::int64_t activates = 0;
  std::int64_t host_bits = 0;
  std::int64_t hb_bits = 0;
  std::int64_t refreshed_rows = 0;
  std::int64_t pe_macs = 0;
  std::int64_t pe_sram_bits = 0;
  std::int64_t npu_macs = 0;
  std::int64_t npu_sram_bits = 0;
  std::int64_t vector_ops = 0;
  std::int64_t channel_time_ps = 0;  ///< simulated time times channels
  std::int64_t npu_time_ps = 0;
  std::int64_t pe_time_ps = 0;  ///< simulated time times PEs

  EnergyCounts& operator+=(const EnergyCounts& o);
};

using EnergyByComponent = std::array<Attojoules, energy_components>;

/// Turns counts into energy. Entries become whole attojoules once, so that sums over any partition of the counts agree exactly.
class EnergyModel {
 public:
  /// @param pe_clock_mhz, in_die choose the PE's MAC energy and what lies between bank and PE. @throws ConfigError when no point is given
  /// for that placement.
  EnergyModel(const EnergyTable& table, int pe_clock_mhz, bool in_die);

  EnergyByComponent energy(const EnergyCounts& counts) const;
  /// The part of `energy(counts)` that rests on entries of confidence `estimate`.
  Attojoules estimated(const EnergyCounts& counts) const;

 private:
  struct Rate {
    EnergyComponent component;
    std::int64_t EnergyCounts::*count;
    WideInt attojoules;  ///< a unit of the count; for powers, per picosecond, in zeptojoules
    bool power;
    bool estimate;
  };
  void add(EnergyComponent component, std::int64_t EnergyCounts::*count, const EnergyEntry& entry);
  Attojoules of(const Rate& rate, const EnergyCounts& counts) const;

  std::vector<Rate> rates_;
};

/// Decodes `schema: bondsim.energy/1`. Entries that are not given stay at zero.
template <class Visitor>
void fields(Visitor& v, EnergyEntry& c) {
  v.field("value", c.value, required("the number").range(0, 1e12));
  v.field("unit", c.unit, required("its unit"));
  v.field("boundary", c.boundary, required("what it includes"));
  v.field("source", c.source, required("where it comes from"));
  v.field("confidence", c.confidence, required("how far it can be trusted"));
}
template <class Visitor>
void fields(Visitor& v, MacEnergyPoint& c) {
  v.field("clock_mhz", c.clock_mhz, required("clock the number holds at").range(1, 10000).in("MHz"));
  v.section("energy", c.energy, required("energy of a MAC"));
}
template <class Visitor>
void fields(Visitor& v, EnergyTable& c) {
  v.field("name", c.name, required("name of the table"));
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
  v.section("npu_static", c.npu_static, defaulted("the NPU, always").in("mW"));
  v.section("pe_static", c.pe_static, defaulted("a PE, always").in("mW"));
  v.sections("pe_mac_hybrid_bonded", c.pe_mac_hybrid_bonded, defaulted("a MAC of a PE on the logic die, by clock"));
  v.sections("pe_mac_in_die", c.pe_mac_in_die, defaulted("a MAC of a PE in the DRAM die, by clock"));
}

/// Checks units. @throws ConfigError through `node`, the table's own.
void validate(const EnergyTable& table, const ConfigNode& node, const std::string& path);

}  // namespace bondsim
