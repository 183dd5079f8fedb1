#pragma once
#include <string>

namespace bondsim {

/// Highest rates of the parts of a machine, when nothing ever waits: the ceilings of a roofline.
struct MachinePeaks {
  double npu_macs_per_s = 0;
  double nmp_macs_per_s = 0;        ///< all PEs of all NMP channels
  double hb_bytes_per_s = 0;        ///< all ports between banks and PEs; 1 GB = 1e9 bytes
  double bus_bytes_per_s = 0;       ///< all channel buses, NMP channels included
  double vector_ops_per_s = 0;      ///< all lanes of the NPU's vector units
  double nmp_vector_ops_per_s = 0;  ///< all lanes of the channels' vector units
};

/// Current that the activation policy of NMP mode takes from the supply, against the current that t_faw allows in normal mode.
struct ActivationCurrent {
  int pes = 0;  ///< of an NMP channel, one a bank; 0: no NMP channels
  int bank_groups = 0;
  int in_window = 0;        ///< activates of a channel within t_faw when all banks of a tile open
  bool staggered = false;   ///< the policy of the run
  double window_ns = 0;     ///< t_faw
  double last_bank_ns = 0;  ///< staggered: from the first activate to the last
  double charge_pc = 0;     ///< that one activate takes from `rail`, over standby; 0: the table has no currents
  std::string rail;         ///< the rail from which an activate takes most
  double window_ma(double activates) const { return window_ns > 0 ? activates * charge_pc / window_ns : 0; }
};

}  // namespace bondsim
