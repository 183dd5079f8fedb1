#pragma once
#include <cmath>
#include <cstdint>
#include <vector>

#include "models/base/multiply.hpp"
#include "models/schedule/schedule.hpp"

namespace bondsim::cost {

/// Channels whose banks have processing engines, as a closed form sees them. GB/s are 1e9 bytes a second on paper; what a model makes of
/// the unit is its own affair (see h2llm_roofline.hpp).
struct NmpDevice {
  int channels = 0;
  int pes_per_channel = 16;  ///< one a bank
  int fpus = 0;              ///< of a PE
  int macs_per_fpu = 16;
  double clock_mhz = 0;
  double hb_bandwidth_gbps = 0;                          ///< port of one PE to its bank
  double channel_bandwidth_gbps = 12.8;                  ///< bus of one channel to the NPU: LPDDR5-6400 x16
  double utilization = 1;                                ///< share of the peak an in-die PE sustains; 1 for hybrid-bonded PEs
  const std::vector<MultiplyConfig>* formats = nullptr;  ///< of the system, which outlives the device; null: FP16 and widths alone

  /// The device as it multiplies these operands.
  NmpDevice multiplying(const OperandBits& bits) const {
    NmpDevice d = *this;
    if (formats != nullptr) {
      d.macs_per_fpu = static_cast<int>(std::lround(macs_per_fpu * known_multiplication(*formats, bits.activation, bits.stationary).rate));
    }
    return d;
  }

  /// MACs a second of one channel.
  double channel_macs_per_s() const { return static_cast<double>(macs_per_fpu) * fpus * pes_per_channel * clock_mhz * 1e6; }
};

/// The NPU as a closed form sees it: a peak, and the channels that hold the stationary operand.
struct NpuDevice {
  int channels = 0;
  double channel_bandwidth_gbps = 12.8;
  double peak_tmacs = 128;                               ///< 1e12 MACs a second
  const std::vector<MultiplyConfig>* formats = nullptr;  ///< as NmpDevice's

  /// The device as it multiplies these operands.
  NpuDevice multiplying(const OperandBits& bits) const {
    NpuDevice d = *this;
    if (formats != nullptr) d.peak_tmacs *= known_multiplication(*formats, bits.activation, bits.stationary).rate;
    return d;
  }
};

}  // namespace bondsim::cost
