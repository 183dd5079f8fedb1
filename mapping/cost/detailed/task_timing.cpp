#include "mapping/cost/detailed/task_timing.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "models/npu/rules.hpp"

namespace bondsim::cost {

TaskTiming::TaskTiming(const System& system, PieceWalk walk)
    : hb_(system, walk),
      t_(system.dram.timing),
      organization_(system.dram.organization),
      npu_(system.npu),
      mode_change_(system.nmp.mode_change_ns * 1e3),
      ck_(1e6 / t_.ck_mhz),
      period_(hb_.refresh_period_ps()) {
  // The bus idles from the last burst before the PREA to the first after the ACT that follows.
  // While REFpb keeps some banks away the bus serves others.
  if (system.controller.refresh == RefreshKind::per_bank) return;
  host_refresh_ = std::ceil(t_.t_rfc_ab_ns * 1e3 / ck_ - 1e-6) * ck_ + ck_ * (t_.n_rtp + t_.n_rp_ab + t_.n_rcd - t_.n_bl_min);
}

double TaskTiming::enter_ps(bool after_host, bool after_write) const {
  if (!after_host) return mode_change_;
  return mode_change_ + ck_ * (t_.n_rp_ab + (after_write ? t_.n_wr : 0));
}

double TaskTiming::leave_ps() const { return mode_change_ + ck_ * (t_.n_rp_ab + t_.n_wr); }

double TaskTiming::host_end(const BusTransfer& transfer, bool write, double start, double& due) const {
  if (transfer.bursts == 0) return start;
  // Refreshes due while the channel had nothing to do were done meanwhile, but the last may not have ended.
  double begin = start;
  for (; due < start; due += period_) begin = std::max(start, due + host_refresh_);
  const double bus = (transfer.bursts - 1) * t_.n_bl_min;
  const double acts_in_window = std::floor((transfer.rows - 1) / 4);
  const double acts = acts_in_window * t_.n_faw + (transfer.rows - 1 - 4 * acts_in_window) * t_.n_rrd;
  const double commands = 2 * transfer.rows + transfer.bursts - 1;
  const double latency = 1 + t_.n_rcd + (write ? t_.n_cwl : t_.n_cl) + t_.n_bl_min;
  double end = begin + ck_ * (latency + std::max({bus, acts, commands}));
  for (; due < end; due += period_) end += host_refresh_;
  return end;
}

double TaskTiming::npu_gemm_end(const NpuShare& gemm, double start, double due) const {
  const auto chunks = static_cast<double>(gemm.chunks);
  const double load = ck_ * t_.n_bl_min * gemm.channel_bytes / organization_.access_bytes() / chunks;
  const double compute = static_cast<double>(systolic_cycles(gemm.shape, npu_)) / chunks * 1e6 / npu_.clock_mhz;
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

double TaskTiming::block_ps(const Block& block, double start) const {
  const double due = first_due(start);
  struct Channel {
    double free = 0;
    double due = 0;
    bool in_nmp = false, used = false, wrote = false;
  };
  std::map<std::int32_t, Channel> channels;
  const auto channel = [&](std::int32_t id) -> Channel& { return channels.try_emplace(id, Channel{0, due}).first->second; };
  double arrays = 0, vectors = 0, last = 0;
  std::vector<double> ends;
  for (const Task& task : block.tasks) {
    double ready = 0;
    for (const std::int32_t d : task.dependencies) ready = std::max(ready, ends[static_cast<std::size_t>(d)]);
    double end = ready;
    switch (task.kind) {
      case TaskKind::barrier:
        break;
      case TaskKind::npu_gemm:
        end = arrays = npu_gemm_end(share_of(task.npu), std::max(ready, arrays), due);
        break;
      case TaskKind::npu_vector:
        end = vectors = std::max(ready, vectors) + vector_ps(task.vector);
        break;
      case TaskKind::nmp_gemm: {
        Channel& c = channel(task.channel());
        double begin = std::max(ready, c.free);
        if (!c.in_nmp) begin += enter_ps(c.used, c.wrote);
        end = hb_.gemm_end(share_of(task.nmp), begin, c.due);
        c.in_nmp = !task.nmp.leave_mode;
        c.free = c.in_nmp ? end : end + leave_ps();
        c.used = false;
        break;
      }
      default: {
        Channel& c = channel(task.channel());
        const bool write = task.kind != TaskKind::host_load;
        end = c.free = host_end(transfer_of(task.extents, organization_), write, std::max(ready, c.free), c.due);
        c.used = true;
        c.wrote = write;
      }
    }
    ends.push_back(end);
    last = std::max(last, end);
  }
  return last;
}

}  // namespace bondsim::cost
