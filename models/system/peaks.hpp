#pragma once
#include <algorithm>

#include "models/results/peaks.hpp"
#include "models/system/system.hpp"

namespace bondsim {

/// GB/s (1e9 bytes) of one channel's bus, of those of all its pseudo channels.
inline double bus_gbps(const DramConfig& dram) {
  return dram.organization.pseudo_channels * dram.organization.access_bytes() * dram.timing.ck_mhz / (1e3 * dram.timing.n_bl_min);
}

inline MachinePeaks machine_peaks(const System& system) {
  MachinePeaks peaks;
  peaks.npu_macs_per_s = system.npu.peak_macs();
  peaks.vector_ops_per_s = static_cast<double>(system.npu.vector_units) * system.npu.vector_lanes * system.npu.clock_mhz * 1e6;
  double bus = 0;
  int channel = 0;
  for (const ChannelGroup& group : system.channels) {
    const DramConfig& dram = system.dram_of(channel);
    const NmpConfig& nmp = system.nmp_of(channel);
    const double pes = group.engine == ChannelEngine::bank_pes ? static_cast<double>(group.count) * dram.organization.banks() : 0;
    peaks.nmp_macs_per_s += pes / nmp.pe.banks_per_pe * nmp.pe.fpus * nmp.pe.macs_per_fpu * nmp.pe.clock_mhz * 1e6;
    if (pes > 0) peaks.nmp_vector_ops_per_s += static_cast<double>(group.count) * nmp.vector.lanes * nmp.pe.clock_mhz * 1e6;
    peaks.hb_bytes_per_s += pes / nmp.pe.banks_per_pe * nmp.hb.bandwidth_gbps * 1e9;
    bus += group.count * bus_gbps(dram);
    channel += group.count;
  }
  peaks.bus_bytes_per_s = bus * 1e9;
  return peaks;
}

/// Activates of the first channel with PEs in NMP mode within t_faw, and their charge at maximum currents.
inline ActivationCurrent activation_current(const System& system) {
  ActivationCurrent a;
  a.bank_groups = system.dram.organization.bank_groups;
  const std::vector<int> with_pes = system.nmp_channels();
  if (with_pes.empty()) return a;
  const DramConfig& dram = system.dram_of(with_pes.front());
  const EnergyTable& energy = system.energy_of(with_pes.front());
  const DramTiming& timing = dram.timing;
  const double period_ns = 1e3 / timing.ck_mhz;
  a.bank_groups = dram.organization.bank_groups;
  a.pes = dram.organization.banks();
  a.staggered = system.nmp_of(with_pes.front()).activate_policy == ActivatePolicy::staggered;
  a.window_ns = timing.n_faw * period_ns;
  a.in_window = a.staggered ? std::min(a.pes, 4) : a.pes;
  // Bank i opens i t_rrd after the first, and t_faw after bank i - 4.
  const int last = a.pes - 1;
  a.last_bank_ns = std::max(last * timing.n_rrd, last / 4 * timing.n_faw + last % 4 * timing.n_rrd) * period_ns;
  if (!energy.currents) return a;
  for (const RailCurrents& rail : energy.currents->rails) {
    const double pages = static_cast<double>(dram.organization.page_bytes()) / energy.currents->page_bytes;
    const double charge = rail_energy(*energy.currents, rail, EnergyColumn::maximum).activate_pj * pages / rail.voltage_v;
    if (charge <= a.charge_pc) continue;
    a.charge_pc = charge;
    a.rail = rail.rail;
  }
  return a;
}

}  // namespace bondsim
