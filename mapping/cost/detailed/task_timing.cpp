#include "mapping/cost/detailed/task_timing.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "mapping/cost/detailed/block_timeline.hpp"
#include "models/dram/timing/bus_refresh.hpp"
#include "models/npu/rules.hpp"

namespace bondsim::cost {

TaskTiming::TaskTiming(const System& system, PieceWalk walk)
    : hb_(system, walk),
      t_(system.dram.timing),
      organization_(system.dram.organization),
      read_queue_(system.controller.read_queue),
      write_queue_(system.controller.write_queue),
      npu_(system.npu),
      mode_change_(system.nmp.mode_change_ns * 1e3),
      ck_(1e6 / t_.ck_mhz),
      period_(hb_.refresh_period_ps()) {
  // While REFpb keeps some banks away the bus serves others.
  if (system.controller.refresh == RefreshKind::per_bank) return;
  host_refresh_ = bus_refresh_ps(t_);
}

double TaskTiming::enter_ps(bool after_host, bool after_write) const {
  if (!after_host) return mode_change_;
  return mode_change_ + ck_ * (t_.n_rp_ab + (after_write ? t_.n_wr : 0));
}

double TaskTiming::leave_ps() const { return mode_change_ + ck_ * (t_.n_rp_ab + t_.n_wr); }

double TaskTiming::host_end(const BusTransfer& transfer, bool write, double start, double& due) const {
  if (transfer.bursts == 0) return start;
  return bus_end(latency_ps(write) + bus_ps(transfer, 1), start, due);
}

double TaskTiming::bus_ps(const BusTransfer& whole, std::int32_t pieces) const {
  if (whole.bursts == 0) return 0;
  const double buses = organization_.pseudo_channels;
  const double data = whole.data_ck / pieces, a_burst = whole.data_ck / whole.bursts;
  const double bursts = whole.bursts / pieces, rows = std::max(1.0, whole.rows / pieces);
  const double acts_in_window = std::floor((rows - 1) / 4);
  const double acts = acts_in_window * t_.n_faw + (rows - 1 - 4 * acts_in_window) * t_.n_rrd;
  // A pseudo channel takes one command a cycle, and all of them together one to a row and one to a column.
  const double commands = std::max({2 * rows + bursts, 2 * rows * buses, bursts * buses}) - 1;
  return ck_ * (t_.n_bl_min + std::max({data - a_burst, acts, commands, whole.bank_ck / pieces}));
}

double TaskTiming::bus_end(double work, double start, double& due) const {
  // Refreshes due while the channel had nothing to do were done meanwhile, but the last may not have ended.
  double begin = start;
  for (; due < start; due += period_) begin = std::max(start, due + host_refresh_);
  double end = begin + work;
  for (; due < end; due += period_) end += host_refresh_;
  return end;
}

double TaskTiming::served_ps(double start, double now, double& due) const {
  double at = start, served = 0;
  for (; due < start; due += period_) at = std::max(start, due + host_refresh_);
  for (; due < now; due += period_) {
    served += std::max(0.0, due - at);
    at = due + host_refresh_;
  }
  return served + std::max(0.0, now - at);
}

std::vector<std::pair<std::int32_t, BusTransfer>> TaskTiming::streams_of(const NpuGemm& gemm) const {
  std::map<std::int32_t, std::vector<Extent>> by_channel;
  for (const Extent& e : gemm.stationary) by_channel[e.channel].push_back(e);
  std::vector<std::pair<std::int32_t, BusTransfer>> streams;
  for (const auto& [channel, extents] : by_channel) {
    streams.emplace_back(channel, transfer(extents, false));
    if (streams.back().second.bursts == 0) streams.pop_back();
  }
  return streams;
}

double TaskTiming::compute_ps(const GemmShape& shape, const OperandBits& bits) const {
  return static_cast<double>(gemm_cycles(shape, bits, npu_)) * 1e6 / npu_.clock_mhz;
}

double TaskTiming::npu_gemm_end(const NpuShare& gemm, double start, double due) const {
  const auto chunks = static_cast<double>(gemm.chunks);
  const double bytes = gemm.channel_bytes / organization_.pseudo_channels;
  const double load = ck_ * t_.n_bl_min * bytes / organization_.access_bytes() / chunks;
  const double compute = compute_ps(gemm.shape, gemm.bits) / chunks;
  while (due < start) due += period_;
  double now = start + ck_ * (1 + t_.n_rcd + t_.n_cl);
  for (std::int32_t chunk = 0; chunk < gemm.chunks; ++chunk) {
    const double computed = chunk > 0 ? now + compute : now;
    double loaded = now + load;
    for (; due < loaded; due += period_) loaded += host_refresh_;
    now = std::max(computed, loaded);
    for (; due + host_refresh_ < now; due += period_) {
    }
  }
  return now + compute;
}

double TaskTiming::vector_ps(const VectorWork& work) const {
  return static_cast<double>(vector_cycles(vector_operations(work, npu_), work.units, npu_)) * 1e6 / npu_.clock_mhz;
}

double TaskTiming::channel_ps(const PlannedChannel& channel) const {
  double due = period_;
  double now = host_end(channel.scatter, true, 0, due) + enter_ps(true, true);
  for (const PlannedGemm& gemm : channel.gemms) {
    for (std::int64_t i = 0; i < gemm.times; ++i) now = hb_.gemm_end(gemm.share, now, due);
  }
  return host_end(channel.load, false, now + leave_ps(), due);
}

double TaskTiming::operator_ps(const OperatorPlan& plan) const {
  if (plan.npu.chunks > 0) return npu_gemm_end(plan.npu, 0, period_);
  double last = 0;
  for (const PlannedChannel& channel : plan.channels) last = std::max(last, channel_ps(channel));
  if (plan.partial_sums > 0) last += vector_ps({VectorKind::reduce, plan.partial_sums, 0, 0});
  return last;
}

double TaskTiming::first_due(double start) const { return std::isinf(period_) ? period_ : period_ - std::fmod(start, period_); }

double TaskTiming::block_ps(const Block& block, double start) const { return BlockTimeline(*this, block, start).run(); }

}  // namespace bondsim::cost
