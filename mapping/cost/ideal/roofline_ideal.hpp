#pragma once
#include "mapping/cost/cost_model.hpp"

namespace bondsim::cost {

/// A lower bound no schedule can beat, in SI units: the busiest resource at its peak, every byte moved once, everything else hidden behind
/// it. On NMP channels: the channel buses (activations in, results out), the HB ports (stationary operand), the MACs of the PEs. On the
/// NPU: the buses (stationary operand; activations are in the scratchpad) and the MACs of the arrays.
class RooflineIdeal final : public CostModel {
 public:
  const char* name() const override { return "roofline-ideal"; }
  double nmp_seconds(const GemmShape& gemm, double element_bytes, const NmpDevice& device) const override;
  double npu_seconds(const GemmShape& gemm, double element_bytes, const NpuDevice& device) const override;
  /// The busiest channel or the arrays: of operators side by side none is added to another's time unless they share a resource.
  double block_seconds(const Block& block, const System& system, double start_s) const override;
};

}  // namespace bondsim::cost
