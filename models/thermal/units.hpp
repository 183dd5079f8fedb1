#pragma once

/// Factors between the units of stacks, of the solver and of other programs' files.
namespace bondsim::thermal_units {

constexpr double m_per_mm = 1e-3;
constexpr double m_per_um = 1e-6;
constexpr double um_per_mm = 1000;
constexpr double kelvin_at_0_c = 273.15;

}  // namespace bondsim::thermal_units
