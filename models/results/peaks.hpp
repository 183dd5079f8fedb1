#pragma once

namespace bondsim {

/// Highest rates of the parts of a machine, when nothing ever waits: the ceilings of a roofline.
struct MachinePeaks {
  double npu_macs_per_s = 0;
  double nmp_macs_per_s = 0;   ///< all PEs of all NMP channels
  double hb_bytes_per_s = 0;   ///< all ports between banks and PEs; 1 GB = 1e9 bytes
  double bus_bytes_per_s = 0;  ///< all channel buses, NMP channels included
};

}  // namespace bondsim
