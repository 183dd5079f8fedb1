#pragma once
#include <cmath>

#include "models/dram/spec/config.hpp"

namespace bondsim {

/// Picoseconds that REFab takes from a busy bus: from the last burst before the PREA to the first after the ACT that follows. tRFC ends on
/// an edge of CK.
inline double bus_refresh_ps(const DramTiming& t) {
  const double ck = 1e6 / t.ck_mhz;
  return std::ceil(t.t_rfc_ab_ns * 1e3 / ck - 1e-6) * ck + ck * (t.n_rtp + t.n_rp_ab + t.n_rcd - t.n_bl_min);
}

}  // namespace bondsim
