#include "mapping/cost/roofline_ideal.hpp"

#include <algorithm>

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

}  // namespace bondsim::cost
