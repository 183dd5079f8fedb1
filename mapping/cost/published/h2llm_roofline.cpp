#include "mapping/cost/published/h2llm_roofline.hpp"

#include <cmath>
#include <numeric>

#include "models/base/quantity.hpp"

namespace bondsim::cost {
namespace {

/// GMAC/s of a roofline with its ridge at peak / bandwidth. @param intensity MACs a byte.
double roofline_gmacs(double peak_gmacs, double bandwidth_gbps, double intensity) {
  return peak_gmacs / bandwidth_gbps < intensity ? peak_gmacs : bandwidth_gbps * intensity;
}

/// The larger part of so many. Most operators are not cut along one of K and N, and a division takes as long as the rest.
std::int64_t part_of(std::int64_t size, int parts) { return parts == 1 ? size : ceil_div<std::int64_t>(size, parts); }

/// The NPU reaches this share of both its peaks in the published evaluator.
constexpr double npu_derating = 0.7;

}  // namespace

ChannelSplit split_over_channels(const GemmShape& gemm, int channels) {
  ChannelSplit split;
  if (gemm.count > channels) {
    split.gemms_in_turn = ceil_div<std::int64_t>(gemm.count, channels);
    return split;
  }
  const int groups = gemm.count == 1 ? 1 : std::gcd(static_cast<int>(gemm.count), channels);
  split.channels_per_gemm = channels / groups;
  split.gemms_in_turn = gemm.count / groups;
  const int c = split.channels_per_gemm;
  const double target = std::sqrt(static_cast<double>(gemm.k) * c / static_cast<double>(gemm.n));
  // Divisors beyond the target are farther from it the larger they are: the first decides.
  for (int parts = 2; parts <= c; ++parts) {
    if (c % parts != 0) continue;
    if (std::abs(parts - target) < std::abs(split.k_parts - target)) split.k_parts = parts;
    if (parts >= target) break;
  }
  split.n_parts = c / split.k_parts;
  return split;
}

double H2llmRoofline::nmp_s(const GemmShape& gemm, const Bytes& bytes, const NmpDevice& device) const {
  const ChannelSplit split = split_over_channels(gemm, device.channels);
  const auto m = static_cast<double>(gemm.m);
  const auto k = static_cast<double>(part_of(gemm.k, split.k_parts));
  const auto n = static_cast<double>(part_of(gemm.n, split.n_parts));
  const double transfer_s = m * (bytes.activation * k + bytes.output * n) / bytes_per_gb_ / device.channel_bandwidth_gbps;
  const double macs = m * k * n;
  const double rate_gmacs = roofline_gmacs(device.channel_macs_per_s() / 1e9, device.hb_bandwidth_gbps * device.pes_per_channel,
                                           macs / (bytes.activation * m * k + bytes.stationary * k * n));
  return (transfer_s + macs / 1e9 / rate_gmacs) * static_cast<double>(split.gemms_in_turn) / device.utilization;
}

double H2llmRoofline::npu_s(const GemmShape& gemm, const Bytes& bytes, const NpuDevice& device) const {
  const auto m = static_cast<double>(gemm.m);
  const auto k = static_cast<double>(gemm.k);
  const auto n = static_cast<double>(gemm.n);
  const double macs = m * k * n;
  const double rate_gmacs =
      roofline_gmacs(npu_derating * device.peak_tmacs * 1e3, npu_derating * device.channel_bandwidth_gbps * device.channels,
                     macs / (bytes.activation * m * k + bytes.stationary * k * n));
  return static_cast<double>(gemm.count) * macs / 1e9 / rate_gmacs;
}

}  // namespace bondsim::cost
