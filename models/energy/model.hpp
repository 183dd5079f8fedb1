#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "models/base/quantity.hpp"
#include "models/energy/counts.hpp"
#include "models/energy/table.hpp"

namespace bondsim {

/// Properties of a machine that its energies depend on.
struct EnergyContext {
  int pe_clock_mhz = 0;
  bool in_die = false;             ///< PEs in the DRAM die: their MAC energies, and in_die_io instead of hb_io
  std::int64_t channel_bytes = 0;  ///< how many dies a channel is
  int page_bytes = 0;              ///< of the rows that are counted
  EnergyColumn column = EnergyColumn::maximum;
};

/// Turns counts into energy. Entries become whole attojoules once, so that sums over any partition of the counts agree exactly.
class EnergyModel {
 public:
  EnergyModel(const EnergyTable& table, const EnergyContext& context);

  EnergyByComponent energy(const EnergyCounts& counts) const;
  /// The part of `energy(counts)` that rests on entries of confidence `estimate`.
  Attojoules estimated(const EnergyCounts& counts) const;
  /// Supply rails of the DRAM, and the part of `energy(counts)` that each pays; both empty when the table has no currents.
  const std::vector<std::string>& rails() const { return rails_; }
  std::vector<Attojoules> by_rail(const EnergyCounts& counts) const;
  /// Energy of one more of `count`, of all components or of one.
  double pj_per(std::int64_t EnergyCounts::*count) const;
  double pj_per(std::int64_t EnergyCounts::*count, EnergyComponent component) const;

 private:
  struct Rate {
    EnergyComponent component;
    std::int64_t EnergyCounts::*count;
    WideInt attojoules;  ///< a unit of the count; powers are whole microwatts, 1 aJ/ps
    bool estimate;
    std::int32_t rail;       ///< -1: none
    std::size_t format = 0;  ///< count null: index into EnergyCounts::mac_formats
  };
  void add(EnergyComponent component, std::int64_t EnergyCounts::*count, const EnergyEntry& entry);
  void add(EnergyComponent component, std::int64_t EnergyCounts::*count, double attojoules, Confidence confidence, std::int32_t rail = -1);
  void add_dram(const EnergyTable& table);
  void add_formats(const EnergyTable& table, const EnergyEntry& pe_mac, const EnergyEntry& npu_mac);
  void add_rail(const CurrentTable& table, const RailCurrents& rail, const EnergyContext& context);
  static Attojoules of(const Rate& rate, const EnergyCounts& counts) {
    return Attojoules(rate.attojoules * (rate.count != nullptr ? counts.*rate.count : counts.mac_formats[rate.format]));
  }

  std::vector<Rate> rates_;
  std::vector<std::string> rails_;
};

}  // namespace bondsim
