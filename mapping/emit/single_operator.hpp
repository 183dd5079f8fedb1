#pragma once
#include <memory>
#include <vector>

#include "mapping/dataflow/dataflow.hpp"
#include "mapping/tiling/rounds.hpp"
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
  bool whole_products = false;  ///< nmp: no product is cut over channels
};

/// How the operator lies on the channels.
struct SingleOperatorLayout {
  int channels_per_gemm = 0;  ///< nmp: channels of one product
  int pes_per_gemm = 0;       ///< nmp: PEs of one product on each of them
  int t_k = 1, t_n = 1;       ///< nmp: cut of K and N over channels_per_gemm
};

/// The problem of tiling `together` products side by side on a channel, each on equally many PEs.
TilingProblem products_tiling_problem(const System& system, const OperandBits& bits, const GemmShape& shape, std::int64_t together);

/// How the products of an operator are dealt to NMP channels: each channel has `of_channel` whole ones, the first `longer` channels one
/// more; `cut` products lie on `cut_channels` channels each.
struct ProductDeal {
  std::int64_t of_channel = 0;
  std::int64_t longer = 0;
  std::int64_t cut = 0;
  int cut_channels = 0;
};

/// Every channel has as many whole products; those left over are cut over the channels as weight GEMMs are, or make some channels longer
/// where that is estimated to be faster.
ProductDeal deal_products(const System& system, const OperandBits& bits, const GemmShape& shape, int channels);
/// Every channel has as many whole products, some one more.
ProductDeal deal_whole_products(const GemmShape& shape, int channels);

/// Rounds of a channel's whole products: those of a round side by side, rounds one after the other.
std::vector<ProductRound> product_rounds(const System& system, const OperandBits& bits, const GemmShape& shape, std::int64_t products);

/// A schedule of one block with that operator and nothing else. On the NPU all products are one npu_gemm whose stationary operand is spread
/// evenly over the channels; on NMP channels they are dealt by deal_products() and product_rounds().
/// @throws InfeasibleError when the memory or the buffers are too small, ConfigError for channels without PEs or an empty shape.
std::unique_ptr<ScheduleSource> single_operator_schedule(const System& system, const SingleOperator& op,
                                                         SingleOperatorLayout* layout = nullptr);

}  // namespace bondsim
