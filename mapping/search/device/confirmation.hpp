#pragma once
#include "mapping/search/device/hardware_search.hpp"

namespace bondsim::search {

/// The candidates of tier `from` that another tier is to confirm: its front, thinned evenly to at most cycles.confirm_front, and the
/// cycles.confirm_best best by the first objective. Of candidates that are equal in the first objective only the first by the others
/// counts: the form that made them equal has nothing to say about them. In the order of tier `from`.
std::vector<Candidate> candidates_to_confirm(const DesignSpace& space, const ResultStore& store, const std::string& from);

/// How far two tiers order the candidates alike that both found feasible.
struct TierAgreement {
  std::string metric;
  std::size_t candidates = 0;
  double kendall_tau = 0;
  double spearman_rho = 0;
};

/// Of every metric that differs between candidates in both tiers.
std::vector<TierAgreement> compare_tiers(const ResultStore& store, const std::string& a, const std::string& b);

}  // namespace bondsim::search
