#include "sim/sensitivity.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "models/system/energy_counts.hpp"

namespace bondsim {
namespace {

Attojoules from_pj(double pj) { return Attojoules(static_cast<WideInt>(pj * 1e6)); }

}  // namespace

std::vector<EnergyBand> energy_sensitivity(const System& system, const Results& results) {
  const EnergyModel model = energy_model(system);
  EnergyCounts counts;
  for (const OperatorResult& op : results.operators) counts += op.counts;
  const double low = published_access_low_pj_per_bit, high = published_access_high_pj_per_bit;
  const auto bits = static_cast<double>(counts.hb_bits());
  const auto spent_pj = [&](EnergyComponent component) {
    return static_cast<double>(counts.hb_read_bits) * model.pj_per(&EnergyCounts::hb_read_bits, component) +
           static_cast<double>(counts.hb_write_bits) * model.pj_per(&EnergyCounts::hb_write_bits, component);
  };
  const double port = spent_pj(EnergyComponent::hb_io), array = spent_pj(EnergyComponent::dram_array);
  const auto band = [&](const char* what, double pj) {
    const Attojoules rest = results.energy_total - from_pj(pj);
    return EnergyBand{what, bits > 0 ? pj / bits : 0, rest + from_pj(bits * low), results.energy_total, rest + from_pj(bits * high)};
  };
  const bool in_die = system.nmp.placement == NmpPlacement::in_die;
  return {band(in_die ? "way from bank to in-die PE" : "port between bank and PE", port), band("array behind the port", array),
          band("port and array together", port + array)};
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
