#include "mapping/cost/detailed/hb_timing.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "mapping/cost/detailed/tile_walk.hpp"
#include "mapping/tiling/tile_walk.hpp"
#include "models/base/clock.hpp"
#include "models/base/quantity.hpp"

namespace bondsim::cost {
namespace {

double bytes_of(const std::vector<Extent>& extents) { return static_cast<double>(HbOperand(extents).bytes()); }

PortTiming port_timing_of(const System& system) {
  return system.fidelity.refresh ? port_timing(system.dram, system.nmp, system.controller) : port_timing(system.dram, system.nmp, false);
}

}  // namespace

NmpShare share_of(const NmpGemm& gemm) {
  return {gemm.pe_products(),   ceil_div<std::int64_t>(gemm.shape.n, gemm.pes_per_product()),
          gemm.tiling,          gemm.bits,
          bytes_of(gemm.input), bytes_of(gemm.stationary),
          bytes_of(gemm.output)};
}

HbTiming::HbTiming(const System& system, PieceWalk walk)
    : walk_(walk),
      nmp_(system.nmp),
      port_(port_timing_of(system)),
      access_(static_cast<double>(port_.access)),
      access_bytes_(nmp_.hb.access_bytes),
      page_(static_cast<double>(port_.page_bytes)),
      pages_a_byte_(1 / page_),
      page_accesses_(page_ / access_bytes_) {
  bank_period_ = port_.refi > 0 ? static_cast<double>(port_.refi) : std::numeric_limits<double>::infinity();
  period_ = bank_period_ / port_.turns;
  refresh_ = static_cast<double>(refresh_ps(port_));
  row_ = static_cast<double>(row_period_ps(port_, port_.page_accesses(), false));
  row_gap_ = static_cast<double>(row_gap_ps(port_));
  for (std::int64_t accesses = 0; accesses <= ceil_div(port_.page_bytes, port_.access_bytes); ++accesses) {
    for (const bool write : {false, true}) changes_.push_back(static_cast<double>(bondsim::change_ps(port_, accesses, write)));
  }
  page_change_ = change_ps(page_accesses_, false);
  first_row_ = static_cast<double>(port_.rcd);
  cycle_ = 1e6 / nmp_.pe.clock_mhz;
  cycles_a_ps_ = 1 / cycle_;
}

double HbTiming::change_ps(double accesses, bool write) const {
  return changes_[2 * static_cast<std::size_t>(std::ceil(accesses - 1e-9)) + (write ? 1 : 0)];
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
  // Columns read again, or while the PE computes, are timed access by access; banks refreshed in turns and the bus each for itself.
  const bool by_column = nmp_.io_path == IoPath::direct || nmp_.pe.pipelined_access || nmp_.pe.rows_per_read > 0 || port_.turns > 1 ||
                         port_.postponed + port_.pulled_in > 0;
  if (walk == PieceWalk::steps || spills || by_column) return walked_end(share, start, due);
  return TileWalk(*this, share, start, due, walk).end();
}

/// Operands one after the other, all lanes on all of them, the result: each to its end before the next begins.
double HbTiming::vector_end(const VectorWork& work, const NmpGemm& operands, double start, double& due) const {
  const auto begin = static_cast<std::int64_t>(std::llround(start));
  PortStream port(port_, begin, port_.refi > 0 ? static_cast<std::int64_t>(std::llround(due)) : 0);
  const TileLoop loop(0, 0, 0, nmp_);
  const bool direct = nmp_.io_path == IoPath::direct;
  int tensor = 0;
  const auto move = [&](const std::vector<Extent>& extents, bool write, std::int64_t from) {
    std::int64_t end = from;
    if (direct) return port.move_over_bus(bytes_of_all(extents), !write, from);
    for (const Extent& e : joined(extents)) {
      const std::int64_t bytes = e.max_bytes_per_bank();
      const ColumnReads reads = write ? ColumnReads{} : loop.reads_of({}, ceil_div<std::int64_t>(bytes, nmp_.hb.access_bytes));
      if (bytes > 0) end = port.move(tensor, 0, bytes, write, from, {reads.passes, reads.pace_ps});
      ++tensor;
    }
    return end;
  };
  const Clock clock = Clock::from_khz(nmp_.pe.clock_mhz * 1000LL);
  const std::int64_t there = move(operands.input, false, begin);
  const std::int64_t done = clock.edge(clock.edge_at_or_after(Picoseconds(there)) + vector_unit_cycles(work, nmp_)).value;
  const std::int64_t end = move(operands.output, true, done);
  if (port_.refi > 0) due = static_cast<double>(port.due());
  return static_cast<double>(end);
}

}  // namespace bondsim::cost
