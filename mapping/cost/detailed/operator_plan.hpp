#pragma once
#include <vector>

#include "mapping/cost/detailed/bus_transfer.hpp"
#include "mapping/cost/detailed/hb_timing.hpp"
#include "models/schedule/schedule.hpp"
#include "models/system/system.hpp"

/// An operator alone, cut and tiled as single_operator_schedule() does it, in the numbers its time depends on: no tasks, no addresses.
namespace bondsim::cost {

/// A GEMM of the arrays.
struct NpuShare {
  GemmShape shape;
  OperandBits bits;
  std::int32_t chunks = 0;
  double channel_bytes = 0;  ///< of the stationary operand in the channel with most of it
};
NpuShare share_of(const NpuGemm& gemm);

/// The PEs' work on a share, `times` one after the other.
struct PlannedGemm {
  std::int64_t times = 1;
  NmpShare share;
};

/// A channel's inputs to the banks, the PEs' work, its outputs to the NPU.
struct PlannedChannel {
  BusTransfer scatter;
  std::vector<PlannedGemm> gemms;
  BusTransfer load;
};

/// One operator as the closed form sees it: a share of the NPU, or the work of channels and what the NPU adds up.
struct OperatorPlan {
  NpuShare npu;                          ///< chunks > 0: on the NPU, nothing else is set
  std::vector<PlannedChannel> channels;  ///< each that differs from those before
  std::int64_t partial_sums = 0;         ///< elements the NPU adds up at the end
};

/// On all NMP channels of `system`. This searches the tilings: most of the time of an evaluation from scratch.
/// @throws InfeasibleError as the schedule does
OperatorPlan plan_on_nmp(const System& system, const GemmShape& shape, const OperandBits& bits);
/// On the NPU, weights in all channels.
OperatorPlan plan_on_npu(const System& system, const GemmShape& shape, const OperandBits& bits);

}  // namespace bondsim::cost
