#include "sim/sensitivity.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace bondsim {
namespace {

Attojoules energy_with(const EnergyTable& table, const System& system, const Results& results) {
  const EnergyModel model(table, system.nmp.pe.clock_mhz, system.nmp.placement == NmpPlacement::in_die);
  Attojoules sum;
  for (const OperatorResult& op : results.operators) {
    for (const Attojoules e : model.energy(op.counts)) sum += e;
  }
  return sum;
}

}  // namespace

std::vector<EnergyBand> energy_sensitivity(const System& system, const Results& results) {
  EnergyEntry EnergyTable::*port = system.nmp.placement == NmpPlacement::in_die ? &EnergyTable::in_die_io : &EnergyTable::hb_io;
  const double port_value = (system.energy.*port).value, array_value = system.energy.array_hb.value;
  const auto total = [&](double port_pj, double array_pj) {
    EnergyTable table = system.energy;
    (table.*port).value = port_pj;
    table.array_hb.value = array_pj;
    return energy_with(table, system, results);
  };
  const double low = published_access_low_pj_per_bit, high = published_access_high_pj_per_bit;
  const Attojoules assumed = total(port_value, array_value);
  return {{"port between bank and PE", port_value, total(low, array_value), assumed, total(high, array_value)},
          {"array behind the port", array_value, total(port_value, low), assumed, total(port_value, high)},
          {"port and array together", port_value + array_value, total(low, 0), assumed, total(high, 0)}};
}

std::string sensitivity_text(const std::vector<EnergyBand>& bands) {
  std::string out = fmt::format("energy over the published range of {} to {} pJ/bit\n", published_access_low_pj_per_bit,
                                published_access_high_pj_per_bit);
  for (const EnergyBand& band : bands) {
    const double assumed = std::max(1e-30, to_joules(band.assumed));
    out += fmt::format("  {:<26}{:>6.2f} pJ/bit assumed: {:.4f} to {:.4f} J ({:+.1f} % to {:+.1f} %)\n", band.what, band.assumed_pj_per_bit,
                       to_joules(band.low), to_joules(band.high), 100 * (to_joules(band.low) / assumed - 1),
                       100 * (to_joules(band.high) / assumed - 1));
  }
  return out;
}

}  // namespace bondsim
