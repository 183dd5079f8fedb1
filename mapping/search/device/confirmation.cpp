#include "mapping/search/device/confirmation.hpp"

#include <algorithm>
#include <cmath>

#include "mapping/cost/rank_correlation.hpp"
#include "mapping/search/device/device_metrics.hpp"

namespace bondsim::search {
namespace {

/// Feasible candidates with their objectives, best first; of equal ones the first by name.
std::vector<std::pair<std::vector<double>, std::string>> ordered(const DesignSpace& space, const ResultStore& store,
                                                                 const std::string& tier) {
  std::vector<std::pair<std::vector<double>, std::string>> list;
  for (const auto& [candidate, evaluation] : store.all(tier)) {
    if (!evaluation.feasible) continue;
    std::vector<double> values;
    for (const auto& metric : space.objectives) values.push_back(evaluation.metrics.at(metric));
    list.emplace_back(std::move(values), candidate);
  }
  std::sort(list.begin(), list.end());
  return list;
}

std::vector<std::string> thinned_front(const DesignSpace& space, const ResultStore& store, const std::string& tier) {
  const auto front = pareto_front(space, store, tier);
  const auto most = static_cast<std::size_t>(space.cycles.confirm_front);
  const std::size_t taken = std::min(most, front.size());
  std::vector<std::string> names;
  for (std::size_t i = 0; i < taken; ++i) {
    // Both ends are among them.
    names.push_back(front[taken > 1 ? i * (front.size() - 1) / (taken - 1) : 0].candidate);
  }
  return names;
}

}  // namespace

std::vector<Candidate> candidates_to_confirm(const DesignSpace& space, const ResultStore& store, const std::string& from) {
  std::vector<std::string> wanted = thinned_front(space, store, from);
  const auto list = ordered(space, store, from);
  int best = 0;
  for (std::size_t i = 0; i < list.size() && best < space.cycles.confirm_best; ++i) {
    if (i > 0 && list[i].first[0] == list[i - 1].first[0]) continue;
    wanted.push_back(list[i].second);
    ++best;
  }
  std::vector<Candidate> candidates;
  for (const auto& entry : list) {
    if (std::find(wanted.begin(), wanted.end(), entry.second) == wanted.end()) continue;
    const auto candidate = space.candidate(entry.second);
    check(candidate.has_value(), "the store has '{}', which is not of the space", entry.second);
    candidates.push_back(*candidate);
  }
  return candidates;
}

std::vector<TierAgreement> compare_tiers(const ResultStore& store, const std::string& a, const std::string& b) {
  std::vector<TierAgreement> list;
  for (const std::string& metric : device_metric_names()) {
    std::vector<double> x;
    std::vector<double> y;
    for (const auto& [candidate, evaluation] : store.all(a)) {
      const Evaluation* other = store.find(candidate, b);
      if (!evaluation.feasible || other == nullptr || !other->feasible) continue;
      if (evaluation.metrics.count(metric) == 0) continue;  // nobody asked for it
      x.push_back(evaluation.metrics.at(metric));
      y.push_back(other->metrics.at(metric));
    }
    if (x == y) continue;  // areas: nothing that one tier could see differently
    TierAgreement agreement{metric, x.size(), cost::kendall_tau(x, y), cost::spearman_rho(x, y)};
    if (!std::isnan(agreement.kendall_tau)) list.push_back(agreement);
  }
  return list;
}

}  // namespace bondsim::search
