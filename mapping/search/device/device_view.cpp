#include "mapping/search/device/device_view.hpp"

#include "models/dram/timing/port_timing.hpp"
#include "models/system/peaks.hpp"

namespace bondsim::search {
cost::LayerDevice peak_device(const System& system) {
  cost::LayerDevice device;
  const auto& organization = system.dram.organization;
  device.nmp.channels = system.nmp_channel_count();
  device.nmp.pes_per_channel = organization.banks();
  device.nmp.fpus = system.nmp.pe.fpus;
  device.nmp.macs_per_fpu = system.nmp.pe.macs_per_fpu;
  device.nmp.clock_mhz = system.nmp.pe.clock_mhz;
  device.nmp.hb_bandwidth_gbps = system.nmp.hb.bandwidth_gbps;
  device.nmp.channel_bandwidth_gbps = bus_gbps(system.dram);
  device.normal_channels = static_cast<int>(system.normal_channels().size());
  device.npu.channel_bandwidth_gbps = device.nmp.channel_bandwidth_gbps;
  device.npu.peak_tmacs = system.npu.peak_macs() / 1e12;
  device.nmp.formats = &system.nmp.formats;
  device.npu.formats = &system.npu.formats;
  return device;
}

cost::LayerDevice sustained_device(const System& system) {
  cost::LayerDevice device = peak_device(system);
  if (device.nmp.channels == 0) return device;
  const double page = system.dram.organization.page_bytes();
  const PortTiming port = port_timing(system.dram, system.nmp, false);
  auto row_ps = static_cast<double>(row_period_ps(port, port.page_accesses(), false));
  if (system.nmp.placement == NmpPlacement::in_die && !system.nmp.pe.pipelined_access) {
    const double macs_a_cycle = device.nmp.fpus * device.nmp.macs_per_fpu;
    row_ps += page / cost::published_element_bytes / macs_a_cycle * 1e6 / device.nmp.clock_mhz;
  }
  const DramTiming& t = system.dram.timing;
  // Of a bank that is refreshed alone, the time it is away itself.
  const double length_ns = system.controller.refresh == RefreshKind::per_bank ? t.t_rfc_pb_ns : t.t_rfc_ab_ns;
  const bool refreshed = system.fidelity.refresh && system.controller.refresh != RefreshKind::none;
  const double refresh = refreshed ? length_ns * 1e3 / static_cast<double>(refresh_period(system.dram, RefreshKind::all_bank).value) : 0;
  device.nmp.hb_bandwidth_gbps = page / row_ps * 1e3 * (1 - refresh);
  return device;
}

}  // namespace bondsim::search
