#pragma once
#include <memory>
#include <vector>

#include "mapping/dataflow/dataflow.hpp"
#include "mapping/tiling/tiling.hpp"
#include "models/schedule/schedule.hpp"
#include "models/system/system.hpp"

namespace bondsim {

/// One GEMM operator alone on a system: `shape.count` products of [m, k] x [k, n], each with a stationary operand of its own.
struct SingleOperator {
  Executor executor = Executor::nmp;  ///< nmp or npu
  std::vector<int> channels;          ///< that hold the stationary operand, and for nmp compute; ascending
  GemmShape shape;
  OperandBits bits;
  SplitPolicy split = SplitPolicy::closed_form;
};

/// How the operator lies on the channels.
struct SingleOperatorLayout {
  int channels_per_gemm = 0;  ///< nmp: channels of one product
  int pes_per_gemm = 0;       ///< nmp: PEs of one product on each of them
  int t_k = 1, t_n = 1;       ///< nmp: cut of K and N over channels_per_gemm
};

/// What the PEs of a channel have to tile of `together` products side by side, each on as many PEs.
TilingProblem products_tiling_problem(const System& system, const OperandBits& bits, const GemmShape& shape, std::int64_t together);

/// A schedule of one block with that operator and nothing else. On the NPU all products are one npu_gemm whose stationary operand is spread
/// evenly over the channels. On NMP channels:
///  - fewer products than channels: each on floor(channels / count) channels of its own, cut as weight GEMMs are;
///  - otherwise product i on channel i mod channels, those of a channel side by side on equal numbers of PEs, and in turn (scatter,
///  compute,
///    load, then the next ones) when there are more than PEs.
/// @throws InfeasibleError when the memory or the buffers are too small, ConfigError for channels without PEs or an empty shape.
std::unique_ptr<ScheduleSource> single_operator_schedule(const System& system, const SingleOperator& op,
                                                         SingleOperatorLayout* layout = nullptr);

}  // namespace bondsim
