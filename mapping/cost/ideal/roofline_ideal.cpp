#include "mapping/cost/ideal/roofline_ideal.hpp"

#include <algorithm>
#include <vector>

#include "mapping/cost/block_cost.hpp"
#include "models/nmp/tile_program.hpp"
#include "models/system/peaks.hpp"

namespace bondsim::cost {

double RooflineIdeal::nmp_seconds(const GemmShape& gemm, double element_bytes, const NmpDevice& device) const {
  const auto count = static_cast<double>(gemm.count);
  const auto m = static_cast<double>(gemm.m);
  const auto k = static_cast<double>(gemm.k);
  const auto n = static_cast<double>(gemm.n);
  const double bus_s = element_bytes * count * m * (k + n) / (device.channels * device.channel_bandwidth_gbps * 1e9);
  const double hb_s = element_bytes * count * k * n / (device.channels * device.pes_per_channel * device.hb_bandwidth_gbps * 1e9);
  const double compute_s = count * m * k * n / (device.channels * device.channel_macs_per_s());
  return std::max({bus_s, hb_s, compute_s});
}

double RooflineIdeal::npu_seconds(const GemmShape& gemm, double element_bytes, const NpuDevice& device) const {
  const auto count = static_cast<double>(gemm.count);
  const auto k = static_cast<double>(gemm.k);
  const auto n = static_cast<double>(gemm.n);
  const double bus_s = element_bytes * count * k * n / (device.channels * device.channel_bandwidth_gbps * 1e9);
  const double compute_s = count * static_cast<double>(gemm.m) * k * n / (device.peak_tmacs * 1e12);
  return std::max(bus_s, compute_s);
}

double RooflineIdeal::block_seconds(const Block& block, const System& system, double /*start_s*/) const {
  std::vector<double> bus_bytes_per_s;
  bus_bytes_per_s.reserve(static_cast<std::size_t>(system.channel_count()));
  for (int c = 0; c < system.channel_count(); ++c) bus_bytes_per_s.push_back(bus_gbps(system.dram_of(c)) * 1e9);
  std::vector<double> channels(static_cast<std::size_t>(system.channel_count()), 0);
  double arrays = 0;
  for (const Task& task : block.tasks) {
    for (const Extent& e : task.npu.stationary) {
      channels[static_cast<std::size_t>(e.channel)] +=
          static_cast<double>(e.bytes()) / bus_bytes_per_s[static_cast<std::size_t>(e.channel)];
    }
    if (task.kind == TaskKind::npu_gemm) {
      const OperandBits& bits = task.npu.bits;
      const double rate = known_multiplication(system.npu.formats, bits.activation, bits.stationary).rate;
      arrays += static_cast<double>(task.npu.shape.macs()) / (rate * system.npu.peak_macs());
    }
    if (!task.on_channel()) continue;
    double& channel = channels[static_cast<std::size_t>(task.channel())];
    if (task.kind == TaskKind::nmp_gemm) {
      const NmpConfig& nmp = system.nmp_of(task.channel());
      const double hb_bytes_per_s = nmp.hb.bandwidth_gbps * 1e9;
      const double pe_macs_per_s = static_cast<double>(nmp.pe.fpus) *
                                   nmp.pe_for(task.nmp.bits.activation, task.nmp.bits.stationary).macs_per_fpu * nmp.pe.clock_mhz * 1e6;
      const auto pes = static_cast<double>(task.nmp.shape.count * task.nmp.pes_per_gemm);
      double bytes = 0;
      for (const Extent& e : task.nmp.stationary) bytes += static_cast<double>(e.bytes());
      channel += std::max(bytes / hb_bytes_per_s, static_cast<double>(task.nmp.shape.macs()) / pe_macs_per_s) / pes;
    } else if (task.kind == TaskKind::nmp_vector) {
      const NmpConfig& nmp = system.nmp_of(task.channel());
      channel += static_cast<double>(vector_unit_cycles(task.vector, nmp)) / (nmp.pe.clock_mhz * 1e6);
    } else {
      for (const Extent& e : task.extents) {
        channel += static_cast<double>(e.bytes()) / bus_bytes_per_s[static_cast<std::size_t>(e.channel)];
      }
    }
  }
  return std::max(arrays, *std::max_element(channels.begin(), channels.end()));
}

}  // namespace bondsim::cost
