#pragma once
#include <string>

#include "mapping/plan/plan.hpp"

namespace bondsim {

/// A readable account of a plan: who holds and runs each GEMM of decode, on which channels, how it is cut and tiled and what the
/// alternatives would have cost, the order of the groups, and the memory of each channel.
std::string explain(const Plan& plan);

/// The layer's operator graph for Graphviz, with clusters for access groups, partitions and tiers; colours say who runs an operator.
std::string to_dot(const Plan& plan);

/// `0-3, 5` for 0 1 2 3 5; `none` for no channel.
std::string channel_ranges(const std::vector<int>& channels);

}  // namespace bondsim
