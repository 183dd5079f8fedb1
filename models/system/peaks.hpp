#pragma once
#include "models/system/system.hpp"

namespace bondsim {

/// What the parts of a machine could do at most if nothing ever waited; the ceilings of a roofline.
struct MachinePeaks {
  double npu_macs_per_s = 0;
  double nmp_macs_per_s = 0;   ///< all PEs of all NMP channels
  double hb_bytes_per_s = 0;   ///< all ports between banks and PEs; 1 GB = 1e9 bytes
  double bus_bytes_per_s = 0;  ///< all channel buses, NMP channels included
};

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
