#pragma once
#include <vector>

#include "mapping/cost/cost_model.hpp"

/// Closed forms of single operators on the blocks of a schedule.
namespace bondsim::cost {

/// A system's channels and NPU as a closed form sees them.
NmpDevice nmp_device(const System& system, int channels);
NpuDevice npu_device(const System& system, int channels);

/// A GEMM of a block and who computes it: the part of the PEs, the part of the arrays, or both side by side.
struct PlacedGemm {
  std::int32_t op = -1;
  double element_bytes = 0;  ///< of the stationary operand
  OperandBits bits;
  GemmShape nmp;  ///< count 0: no part
  int nmp_channels = 0;
  GemmShape npu;  ///< count 0: no part
  int npu_channels = 0;
};
std::vector<PlacedGemm> placed_gemms(const Block& block);

/// The longer of the two parts.
double gemm_seconds(const CostModel& model, const PlacedGemm& gemm, const System& system);

/// The GEMMs of the block one after the other.
double serial_seconds(const CostModel& model, const Block& block, const System& system);

}  // namespace bondsim::cost
