#include "mapping/cost/block_cost.hpp"
#include "models/system/peaks.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace bondsim::cost {
namespace {

/// Sums over the tasks of one work entry.
struct Parts {
  double nmp_macs = 0, npu_macs = 0;
  std::set<std::int32_t> nmp_channels, npu_channels;
  OperandBits bits;
};

/// The share of a GEMM that makes up `macs`: of its products where there are several, else of its columns.
GemmShape share_of(const GemmShape& whole, double macs) {
  GemmShape part = whole;
  if (macs <= 0) {
    part.count = 0;
    return part;
  }
  const double share = macs / static_cast<double>(whole.macs());
  std::int64_t& cut = whole.count > 1 ? part.count : part.n;
  cut = std::max<std::int64_t>(1, std::llround(static_cast<double>(cut) * share));
  return part;
}

}  // namespace

NmpDevice nmp_device(const System& system, int channels) {
  NmpDevice d;
  d.channels = channels;
  d.pes_per_channel = system.dram.organization.banks();
  d.fpus = system.nmp.pe.fpus;
  d.macs_per_fpu = system.nmp.pe.macs_per_fpu;
  d.clock_mhz = system.nmp.pe.clock_mhz;
  d.hb_bandwidth_gbps = system.nmp.hb.bandwidth_gbps;
  d.channel_bandwidth_gbps = bus_gbps(system.dram);
  d.formats = &system.nmp.formats;
  return d;
}

NpuDevice npu_device(const System& system, int channels) {
  return {channels, bus_gbps(system.dram), system.npu.peak_macs() * 1e-12, &system.npu.formats};
}

std::vector<PlacedGemm> placed_gemms(const Block& block) {
  std::vector<Parts> parts(block.work.size());
  for (const Task& task : block.tasks) {
    if (task.kind == TaskKind::nmp_gemm && task.nmp.part.work >= 0) {
      Parts& p = parts[static_cast<std::size_t>(task.nmp.part.work)];
      p.nmp_macs += static_cast<double>(task.nmp.shape.macs());
      p.nmp_channels.insert(task.channel());
      p.bits = task.nmp.bits;
    } else if (task.kind == TaskKind::npu_gemm && task.npu.part.work >= 0) {
      Parts& p = parts[static_cast<std::size_t>(task.npu.part.work)];
      p.npu_macs += static_cast<double>(task.npu.shape.macs());
      p.bits = task.npu.bits;
      for (const Extent& e : task.npu.stationary) p.npu_channels.insert(e.channel);
      if (!task.npu.stationary.empty()) continue;
      for (const std::int32_t d : task.dependencies) {
        const Task& load = block.tasks[static_cast<std::size_t>(d)];
        if (load.kind == TaskKind::host_load && load.op == task.op) p.npu_channels.insert(load.channel());
      }
    }
  }
  std::vector<PlacedGemm> out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Parts& p = parts[i];
    const GemmShape& whole = block.work[i].shape;
    if (whole.macs() == 0) continue;
    out.push_back({block.work[i].op, p.bits.stationary / 8.0, p.bits, share_of(whole, p.nmp_macs), static_cast<int>(p.nmp_channels.size()),
                   share_of(whole, p.npu_macs), static_cast<int>(p.npu_channels.size())});
  }
  return out;
}

double gemm_seconds(const CostModel& model, const PlacedGemm& gemm, const System& system) {
  double seconds = 0;
  if (gemm.nmp.count > 0) {
    seconds = model.nmp_seconds(gemm.nmp, gemm.element_bytes, nmp_device(system, gemm.nmp_channels).multiplying(gemm.bits));
  }
  if (gemm.npu.count > 0) {
    const NpuDevice device = npu_device(system, gemm.npu_channels).multiplying(gemm.bits);
    seconds = std::max(seconds, model.npu_seconds(gemm.npu, gemm.element_bytes, device));
  }
  return seconds;
}

double serial_seconds(const CostModel& model, const Block& block, const System& system) {
  double sum = 0;
  for (const PlacedGemm& gemm : placed_gemms(block)) sum += gemm_seconds(model, gemm, system);
  return sum;
}

double CostModel::block_seconds(const Block& block, const System& system, double /*start_s*/) const {
  return serial_seconds(*this, block, system);
}

}  // namespace bondsim::cost
