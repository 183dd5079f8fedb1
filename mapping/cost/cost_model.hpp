#pragma once
#include <memory>
#include <string>
#include <vector>

#include "mapping/cost/device.hpp"
#include "models/system/system.hpp"

namespace bondsim::cost {

/// How the columns of a split weight GEMM are shared in the fixed dataflow "attention_offloading_with_ffn_splitting".
enum class SplitShares {
  published,  ///< NPU ceil(N r/(r+1)), NMP ceil(N/(r+1)): the artifact of H2-LLM, where the faster side gets the smaller share
  mended      ///< NMP ceil(N r/(r+1)), NPU the rest
};

/// A closed form for the latency of one GEMM operator. Stateless; one object may serve any number of threads.
class CostModel {
 public:
  virtual ~CostModel() = default;

  virtual const char* name() const = 0;

  /// Seconds of `gemm` (count independent products, count, m, n, k >= 1) with its stationary operand spread over `device.channels` >= 1
  /// NMP channels and computed there. @param element_bytes of every operand, may be a fraction (0.5 for 4 bit).
  virtual double nmp_seconds(const GemmShape& gemm, double element_bytes, const NmpDevice& device) const = 0;

  /// Seconds of `gemm` on the NPU, the stationary operand streaming in from `device.channels` >= 1 channels.
  virtual double npu_seconds(const GemmShape& gemm, double element_bytes, const NpuDevice& device) const = 0;

  /// The same two with an element width for each operand. A form that knows one width takes that of the stationary operand.
  virtual double nmp_operand_seconds(const GemmShape& gemm, const OperandBits& bits, const NmpDevice& device) const {
    return nmp_seconds(gemm, bits.stationary / 8.0, device.multiplying(bits));
  }
  virtual double npu_operand_seconds(const GemmShape& gemm, const OperandBits& bits, const NpuDevice& device) const {
    return npu_seconds(gemm, bits.stationary / 8.0, device.multiplying(bits));
  }

  /// Seconds of a block of a schedule on `system`. @param start_s of the block in its run, for forms that know when refresh is due. A form
  /// of single operators says the sum of its GEMMs, one after the other, as the published evaluator does; vector work and appends are then
  /// left out.
  virtual double block_seconds(const Block& block, const System& system, double start_s = 0) const;

  virtual SplitShares split_shares() const { return SplitShares::mended; }
};

}  // namespace bondsim::cost
