#pragma once
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "models/system/system.hpp"

/// The switches of `fidelity:`, and what may be said of them.
namespace bondsim::test {

inline const std::vector<std::pair<const char*, bool FidelityConfig::*>> costly_switches = {
    {"vector_ops", &FidelityConfig::vector_ops},   {"finite_buffers", &FidelityConfig::finite_buffers},
    {"mode_switch", &FidelityConfig::mode_switch}, {"bus_contention", &FidelityConfig::bus_contention},
    {"row_timing", &FidelityConfig::row_timing},   {"refresh", &FidelityConfig::refresh}};

inline void all_off(System& s) {
  for (const auto& effect : costly_switches) s.fidelity.*effect.second = false;
  s.fidelity.overlap = false;
}

/// A refresh closes all rows. One that falls into a time in which the banks only wait for the PEs costs nothing, and the next row need not
/// close the one before: so much is saved at most, and what of a cycle of the PEs the next computation then does not wait for its edge.
inline std::int64_t row_closing_saved(const System& s, const std::string& effect, std::int64_t length_ps) {
  if (effect != "refresh") return 0;
  const auto refreshes = static_cast<std::int64_t>(static_cast<double>(length_ps) / (s.dram.timing.t_refi_ns * 1e3));
  return refreshes * std::llround(s.dram.timing.n_rp_pb * 1e6 / s.dram.timing.ck_mhz + 1e6 / s.nmp.pe.clock_mhz);
}

}  // namespace bondsim::test
