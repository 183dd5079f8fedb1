#pragma once
#include <string>
#include <vector>

#include "models/results/results.hpp"
#include "models/system/system.hpp"

namespace bondsim {

/// Published energies of an access to 3D-stacked DRAM, whatever boundary they are given for: 0.55 to 2.59 pJ/bit.
constexpr double published_access_low_pj_per_bit = 0.55;
constexpr double published_access_high_pj_per_bit = 2.59;

/// The run's energy with one assumption at the ends of that range; the counted actions stay what they were.
struct EnergyBand {
  std::string what;
  double assumed_pj_per_bit = 0;  ///< as the system's table has it
  Attojoules low, assumed, high;
};

/// Bands of the port between bank and PE, of the array behind it, and of both together.
std::vector<EnergyBand> energy_sensitivity(const System& system, const Results& results);

std::string sensitivity_text(const std::vector<EnergyBand>& bands);

}  // namespace bondsim
