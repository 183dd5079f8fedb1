#include "models/dram/spec/refresh_room.hpp"

#include <fmt/format.h>

#include "models/dram/spec/timing_rules.hpp"

namespace bondsim {

RefreshFault refresh_fault(const DramConfig& dram, RefreshKind kind) {
  if (kind == RefreshKind::none) return {};
  const DramTiming& t = dram.timing;
  const bool all = kind == RefreshKind::all_bank;
  const double interval_ns = static_cast<double>(refresh_period(dram, kind).value) / 1000.0;
  const double row_ns = (t.n_rc + t.n_rp_ab) * 1000.0 / t.ck_mhz;
  if (!all && t.t_pbr2pbr_ns > interval_ns) {
    return {"timing.t_pbr2pbr_ns", fmt::format("{} ns, allowed: up to {} ns, the interval of REFpb", t.t_pbr2pbr_ns, interval_ns)};
  }
  // A bank's own turn comes once in a round of all banks.
  const double turn_ns = all ? interval_ns : interval_ns * dram.organization.banks_per_rank() / banks_per_refresh(dram);
  const double busy_ns = all ? t.t_rfc_ab_ns : t.t_rfc_pb_ns;
  if (busy_ns + row_ns <= turn_ns) return {};
  return {
      all ? "timing.t_rfc_ab_ns" : "timing.t_rfc_pb_ns",
      fmt::format("{} ns of refresh and {:.1f} ns to open and close a row (n_rc + n_rp_ab at ck_mhz), allowed: up to {} ns together, the "
                  "time from one refresh of a bank to the next",
                  busy_ns, row_ns, turn_ns)};
}

}  // namespace bondsim
