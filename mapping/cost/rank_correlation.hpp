#pragma once
#include <vector>

namespace bondsim::cost {

/// Kendall's tau-b of two measures of the same things: +1 same order, -1 opposite, ties taken out of both; NaN when a side is all ties.
double kendall_tau(const std::vector<double>& a, const std::vector<double>& b);

/// Spearman's rho: Pearson's correlation of the ranks, tied values sharing their mean rank; NaN when a side is all ties.
double spearman_rho(const std::vector<double>& a, const std::vector<double>& b);

/// Ranks from 1; tied values share their mean rank.
std::vector<double> ranks(const std::vector<double>& values);

}  // namespace bondsim::cost
