#pragma once
#include "mapping/cost/cost_model.hpp"

namespace bondsim::cost {

/// How a batched GEMM is laid over the NMP channels of the published evaluator.
struct ChannelSplit {
  int channels_per_gemm = 1;
  std::int64_t gemms_in_turn = 1;  ///< run one after the other on each channel
  int k_parts = 1;                 ///< T_K: a divisor of channels_per_gemm
  int n_parts = 1;                 ///< T_N = channels_per_gemm / T_K
};

/// The published rule. More GEMMs than channels: each channel takes whole GEMMs; fewer: gcd(count, channels) groups of channels; one: all
/// channels. The parts of K are the divisor of the channels of a GEMM nearest to sqrt(K c / N), the smaller of two equally near.
ChannelSplit split_over_channels(const GemmShape& gemm, int channels);

/// The roofline of the H2-LLM artifact (ISCA'25, doi 10.1145/3695053.3731008), its units included: transfers count 2^30 bytes to
/// a GB, compute and HB bandwidth 1e9. `corrected` uses 1e9 throughout and mends the split shares.
class H2llmRoofline final : public CostModel {
 public:
  explicit H2llmRoofline(bool corrected) : corrected_(corrected), bytes_per_gb_(corrected ? 1e9 : 1073741824.0) {}

  const char* name() const override { return corrected_ ? "h2llm-roofline-corrected" : "h2llm-roofline"; }
  double nmp_seconds(const GemmShape& gemm, double element_bytes, const NmpDevice& device) const override {
    return nmp_s(gemm, {element_bytes, element_bytes, element_bytes}, device);
  }
  double npu_seconds(const GemmShape& gemm, double element_bytes, const NpuDevice& device) const override {
    return npu_s(gemm, {element_bytes, element_bytes, element_bytes}, device);
  }
  double nmp_operand_seconds(const GemmShape& gemm, const OperandBits& bits, const NmpDevice& device) const override {
    const Bytes bytes{bits.activation / 8.0, bits.stationary / 8.0, bits.output / 8.0};
    return device.formats == nullptr ? nmp_s(gemm, bytes, device) : nmp_s(gemm, bytes, device.multiplying(bits));
  }
  double npu_operand_seconds(const GemmShape& gemm, const OperandBits& bits, const NpuDevice& device) const override {
    const Bytes bytes{bits.activation / 8.0, bits.stationary / 8.0, bits.output / 8.0};
    return device.formats == nullptr ? npu_s(gemm, bytes, device) : npu_s(gemm, bytes, device.multiplying(bits));
  }
  SplitShares split_shares() const override { return corrected_ ? SplitShares::mended : SplitShares::published; }

 private:
  /// Bytes of an element; the published form has one number for all.
  struct Bytes {
    double activation = 0;
    double stationary = 0;
    double output = 0;
  };
  double nmp_s(const GemmShape& gemm, const Bytes& bytes, const NmpDevice& device) const;
  double npu_s(const GemmShape& gemm, const Bytes& bytes, const NpuDevice& device) const;

  bool corrected_;
  double bytes_per_gb_;
};

}  // namespace bondsim::cost
