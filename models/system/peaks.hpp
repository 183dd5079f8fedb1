#pragma once
#include "models/results/peaks.hpp"
#include "models/system/system.hpp"

namespace bondsim {

/// GB/s (1e9 bytes) of one channel's bus.
inline double bus_gbps(const DramConfig& dram) {
  return dram.organization.access_bytes() * dram.timing.ck_mhz / (1e3 * dram.timing.n_bl_min);
}

inline MachinePeaks machine_peaks(const System& system) {
  MachinePeaks peaks;
  peaks.npu_macs_per_s = system.npu.peak_macs();
  double bus = 0;
  int channel = 0;
  for (const ChannelGroup& group : system.channels) {
    const DramConfig& dram = system.dram_of(channel);
    const NmpConfig& nmp = system.nmp_of(channel);
    const double pes = group.engine == ChannelEngine::bank_pes ? static_cast<double>(group.count) * dram.organization.banks() : 0;
    peaks.nmp_macs_per_s += pes * nmp.pe.fpus * nmp.pe.macs_per_fpu * nmp.pe.clock_mhz * 1e6;
    peaks.hb_bytes_per_s += pes * nmp.hb.bandwidth_gbps * 1e9;
    bus += group.count * bus_gbps(dram);
    channel += group.count;
  }
  peaks.bus_bytes_per_s = bus * 1e9;
  return peaks;
}

}  // namespace bondsim
