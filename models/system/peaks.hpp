#pragma once
#include "models/results/peaks.hpp"
#include "models/system/system.hpp"

namespace bondsim {

/// GB/s (1e9 bytes) of one channel's bus.
inline double bus_gbps(const DramConfig& dram) {
  return dram.organization.access_bytes() * dram.timing.ck_mhz / (1e3 * dram.timing.n_bl_min);
}

inline MachinePeaks machine_peaks(const System& system) {
  const PeConfig& pe = system.nmp.pe;
  const double pes = static_cast<double>(system.channels.nmp) * system.dram.organization.banks();
  MachinePeaks peaks;
  peaks.npu_macs_per_s = system.npu.peak_macs();
  peaks.nmp_macs_per_s = pes * pe.fpus * pe.macs_per_fpu * pe.clock_mhz * 1e6;
  peaks.hb_bytes_per_s = pes * system.nmp.hb.bandwidth_gbps * 1e9;
  peaks.bus_bytes_per_s = system.channels.total() * bus_gbps(system.dram) * 1e9;
  return peaks;
}

}  // namespace bondsim
