#include "sim/sensitivity.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "models/system/machine_energy.hpp"

namespace bondsim {
namespace {

Attojoules from_pj(double pj) { return Attojoules(static_cast<WideInt>(pj * 1e6)); }

}  // namespace

std::vector<EnergyBand> energy_sensitivity(const System& system, const Results& results) {
  const MachineEnergy energy(system);
  const double low = published_access_low_pj_per_bit, high = published_access_high_pj_per_bit;
  double bits = 0;
  for (const ChannelResult& channel : results.channels) bits += 8.0 * static_cast<double>(channel.hb_bytes_read + channel.hb_bytes_written);
  const auto spent_pj = [&](EnergyComponent component) {
    double pj = 0;
    for (const ChannelResult& channel : results.channels) {
      const EnergyModel& model = energy.of(channel.id);
      pj += 8.0 * static_cast<double>(channel.hb_bytes_read) * model.pj_per(&EnergyCounts::hb_read_bits, component);
      pj += 8.0 * static_cast<double>(channel.hb_bytes_written) * model.pj_per(&EnergyCounts::hb_write_bits, component);
    }
    return pj;
  };
  const double port = spent_pj(EnergyComponent::hb_io), array = spent_pj(EnergyComponent::dram_array);
  const auto band = [&](const char* what, double pj) {
    const Attojoules rest = results.energy_total - from_pj(pj);
    return EnergyBand{what, bits > 0 ? pj / bits : 0, rest + from_pj(bits * low), results.energy_total, rest + from_pj(bits * high)};
  };
  const std::vector<int> with_pes = system.nmp_channels();
  const bool in_die = !with_pes.empty() && system.nmp_of(with_pes.front()).placement == NmpPlacement::in_die;
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
