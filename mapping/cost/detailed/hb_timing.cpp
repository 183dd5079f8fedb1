#include "mapping/cost/detailed/hb_timing.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "mapping/cost/detailed/tile_walk.hpp"
#include "mapping/tiling/tile_walk.hpp"
#include "models/base/quantity.hpp"

namespace bondsim::cost {
namespace {

double bytes_of(const std::vector<Extent>& extents) { return static_cast<double>(HbOperand(extents).bytes()); }

}  // namespace

NmpShare share_of(const NmpGemm& gemm) {
  return {gemm.shape,           ceil_div<std::int64_t>(gemm.shape.n, gemm.pes_per_gemm),
          gemm.tiling,          gemm.bits,
          bytes_of(gemm.input), bytes_of(gemm.stationary),
          bytes_of(gemm.output)};
}

HbTiming::HbTiming(const System& system, PieceWalk walk)
    : walk_(walk),
      t_(system.dram.timing),
      nmp_(system.nmp),
      banks_(system.dram.organization.banks()),
      ck_(1e6 / t_.ck_mhz),
      access_(static_cast<double>(nmp_.hb.access_ps())),
      access_bytes_(nmp_.hb.access_bytes),
      page_(system.dram.organization.page_bytes()),
      pages_a_byte_(1 / page_),
      page_accesses_(page_ / access_bytes_) {
  const bool refresh = system.fidelity.refresh && system.controller.refresh != RefreshKind::none;
  port_ = port_timing(system.dram, system.nmp, refresh);
  period_ = refresh ? t_.t_refi_ns * 1e3 : std::numeric_limits<double>::infinity();
  // At a row boundary PREA and tRFC stand where a PRE stood.
  refresh_ = up_to_edge(t_.t_rfc_ab_ns * 1e3) + ck_ * (t_.n_rp_ab - t_.n_rp_pb);
  row_ = row_period_ps(page_accesses_, false);
  row_gap_ = row_ - access_ps(page_);
  page_change_ = change_ps(page_accesses_, false);
  first_row_ = ck_ * t_.n_rcd;
  cycle_ = 1e6 / nmp_.pe.clock_mhz;
  cycles_a_ps_ = 1 / cycle_;
}

double HbTiming::up_to_edge(double ps) const { return std::ceil(ps / ck_ - 1e-6) * ck_; }

/// From a row's ACT to the PRE that may follow.
double HbTiming::row_end_ps(double accesses, bool write) const {
  const double columns = ck_ * t_.n_rcd + accesses * access_;
  const double closable = write ? columns + ck_ * t_.n_wr : std::max(columns, columns - access_ + ck_ * t_.n_rtp);
  return up_to_edge(std::max(closable, ck_ * t_.n_ras));
}

double HbTiming::row_period_ps(double accesses, bool write) const {
  const double columns = accesses * access_;
  double period = std::max(row_end_ps(accesses, write) + ck_ * t_.n_rp_pb, ck_ * t_.n_rc);
  // With subarrays the next row is closed and opened under the accesses of the present one.
  if (nmp_.subarray_overlap) period = std::max({columns, ck_ * (t_.n_rp_pb + t_.n_rcd), period / 2});
  if (nmp_.activate_policy == ActivatePolicy::staggered) {
    period = std::max(period, ck_ * banks_ * std::max<double>(t_.n_rrd, t_.n_faw / 4.0));
  }
  return period;
}

double HbTiming::change_ps(double accesses, bool write) const {
  return row_end_ps(accesses, write) - ck_ * t_.n_rcd - accesses * access_ + ck_ * (t_.n_rp_pb + t_.n_rcd);
}

double HbTiming::walked_end(const NmpShare& share, double start, double& due) const {
  const auto whole = [&](double bytes) { return static_cast<std::int64_t>(std::ceil(bytes / access_bytes_) * access_bytes_); };
  const double sums = static_cast<double>(share.shape.m * share.columns * share.bits.accumulator) / 8;
  const OperandBytes bytes{whole(share.input_bytes), whole(share.stationary_bytes), whole(share.output_bytes), whole(sums)};
  const auto begin = static_cast<std::int64_t>(std::llround(start));
  PortStream port(port_, begin, port_.refi > 0 ? static_cast<std::int64_t>(std::llround(due)) : 0);
  const TileLoop loop(share.shape, share.columns, share.bits, share.tiling, nmp_);
  const std::int64_t end = walk_tiles(loop, bytes, nmp_, port, begin);
  if (port_.refi > 0) due = static_cast<double>(port.due());
  return static_cast<double>(end);
}

double HbTiming::gemm_end(const NmpShare& share, double start, double& due, PieceWalk walk) const {
  // Partial sums come and go between the pieces: no run of those is like another.
  const bool spills = share.tiling.order == LoopOrder::input_stationary && share.tiling.k_tile < share.shape.k;
  if (walk == PieceWalk::steps || spills) return walked_end(share, start, due);
  return TileWalk(*this, share, start, due, walk).end();
}

}  // namespace bondsim::cost
