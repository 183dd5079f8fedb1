#pragma once
#include <cmath>
#include <cstdint>

#include "models/base/fields.hpp"

namespace bondsim {

/// Activates in NMP mode: of all banks in one slot, or one after the other under t_RRD and t_FAW.
enum class ActivatePolicy { all_bank, staggered };
template <>
inline constexpr EnumEntry<ActivatePolicy> enum_names<ActivatePolicy>[] = {{"all_bank", ActivatePolicy::all_bank},
                                                                           {"staggered", ActivatePolicy::staggered}};

/// The port between a bank and its PE.
struct HbConfig {
  double bandwidth_gbps = 0;  ///< GB/s (1e9 bytes) of one bank's port
  int access_bytes = 0;       ///< bytes of one column access through the port

  /// Picoseconds of one access, exact for the shipped configurations (rounded up otherwise).
  std::int64_t access_ps() const {
    return static_cast<std::int64_t>(std::ceil(static_cast<double>(access_bytes) * 1000.0 / bandwidth_gbps - 1e-9));
  }
};
template <class Visitor>
void fields(Visitor& v, HbConfig& c) {
  v.field("bandwidth_gbps", c.bandwidth_gbps, required("peak of one bank's port, 1 GB = 1e9 bytes").range(0.1, 1000).in("GB/s"));
  v.field("access_bytes", c.access_bytes, required("bytes of one column access through the port").range(1, 4096).in("B"));
}

/// The ports of all banks of a channel, as the channel's controller knows them.
struct BankPorts {
  HbConfig hb;
  double mode_change_ns = 0;  ///< latency of a mode change after drain and precharge-all
  ActivatePolicy activate_policy = ActivatePolicy::all_bank;
  bool subarray_overlap = false;  ///< the next row is activated in another subarray while the present one is read
};

}  // namespace bondsim
