#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "mapping/tiling/tiling.hpp"

namespace bondsim {

/// Products (heads, say) of one channel that its PEs compute at the same time, each on banks / products PEs; `times` rounds of that kind.
struct ProductRound {
  std::int64_t products = 0;
  std::int64_t times = 1;
};

/// Cuts `products` of a channel into rounds, which follow one another: first whole rounds of one PE a product, then the rest in rounds
/// whose estimates have the least sum. 9 products on 16 banks are 8 on two PEs each and 1 on all: 5/8 of the time of 9 on one PE each.
/// @param round_ps estimate of a round of so many products
std::vector<ProductRound> choose_rounds(std::int64_t products, int banks, const std::function<double(std::int64_t)>& round_ps);

/// Sum of the estimates of those rounds.
double rounds_estimate_ps(const std::vector<ProductRound>& rounds, const std::function<double(std::int64_t)>& round_ps);

/// Time of a round without the search of its tiling: the input through the ports, then the longer of the PEs' cycles and the stream of the
/// fullest bank with its rows, and the changes between input, stationary operand and output.
double round_estimate_ps(const NmpConfig& nmp, const TilingProblem& problem);

}  // namespace bondsim
