#include "mapping/search/dataflow/tier_solver.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace bondsim::search {

const ChannelFronts& TierSolver::fronts(OperatorSet tier) {
  const auto known = known_.find(tier);
  if (known != known_.end()) return known->second;
  const int channels = table_.nmp_channels();
  ChannelFronts found(channels);
  tier_ = tier;
  operators_.clear();
  for (int op = 0; op < table_.operators(); ++op) {
    if ((tier >> op & 1) != 0) operators_.push_back(op);
  }
  bindings_.assign(operators_.size(), Allotment{});
  found_ = &found;
  divide_channels(0, channels, 0, false);
  for (int nmp = 0; nmp <= channels; ++nmp) {
    for (const bool normal : {false, true}) {
      // More channels can do all that fewer can.
      Front& front = found.at(nmp, normal);
      if (nmp > 0) front.insert(front.end(), found.at(nmp - 1, normal).begin(), found.at(nmp - 1, normal).end());
      if (normal) front.insert(front.end(), found.at(nmp, false).begin(), found.at(nmp, false).end());
      keep_undominated(front);
    }
  }
  found_ = nullptr;
  return known_.emplace(tier, std::move(found)).first->second;
}

void TierSolver::divide_channels(std::size_t next, int nmp_left, int nmp_used, bool normal_used) {
  if (next == operators_.size()) {
    add_division(nmp_used, normal_used);
    return;
  }
  const bool may_split = table_.problem().rule == BindingRule::data_centric;
  for (int nmp = 0; nmp <= nmp_left; ++nmp) {
    if (pricing_.whole_width && nmp != 0 && nmp != table_.nmp_channels()) continue;
    for (const bool normal : {false, true}) {
      if ((nmp == 0 && !normal) || (normal && !table_.has_normal()) || (normal && nmp > 0 && !may_split)) continue;
      bindings_[next] = {nmp, normal, 0};
      divide_channels(next + 1, nmp_left - nmp, nmp_used + nmp, normal_used || normal);
    }
  }
}

void TierSolver::add_division(int nmp_used, bool normal_used) {
  const bool any_split = std::any_of(bindings_.begin(), bindings_.end(), [](const Allotment& b) { return b.split(); });
  if (!any_split) {
    add_label(nmp_used, normal_used);
  } else if (pricing_.mode == Pricing::Mode::accounted) {
    add_every_share(0, nmp_used, normal_used);
  } else {
    shortest_step();
    add_label(nmp_used, normal_used);
    if (pricing_.mode == Pricing::Mode::priced) add_priced_extremes(nmp_used, normal_used);
  }
}

void TierSolver::add_every_share(std::size_t next, int nmp_used, bool normal_used) {
  while (next < bindings_.size() && !bindings_[next].split()) ++next;
  if (next == bindings_.size()) {
    add_label(nmp_used, normal_used);
    return;
  }
  const std::int64_t shares = table_.shares(operators_[next], bindings_[next].nmp);
  for (std::int64_t i = 0; i < shares; ++i) {
    bindings_[next].units = table_.share(operators_[next], bindings_[next].nmp, i);
    add_every_share(next + 1, nmp_used, normal_used);
  }
}

void TierSolver::add_label(int nmp_used, bool normal_used) {
  double nmp_s = 0;
  double npu_s = 0;
  Label label;
  double normal_bytes = 0;
  for (std::size_t i = 0; i < operators_.size(); ++i) {
    const Allotment& b = bindings_[i];
    nmp_s = std::max(nmp_s, table_.nmp_s(operators_[i], b));
    npu_s += table_.npu_s(operators_[i], b);
    label.prefill_s += table_.prefill_s(operators_[i], b.nmp, b.normal);
    normal_bytes += table_.normal_bytes(operators_[i], b);
  }
  label.decode_s = std::max(nmp_s, npu_s) * table_.problem().generated_tokens;
  if (pricing_.mode == Pricing::Mode::accounted) label.normal_bytes = std::llround(normal_bytes);
  if (pricing_.mode == Pricing::Mode::priced) label.prefill_s += normal_bytes * pricing_.price_s_per_byte;
  Front& front = found_->at(nmp_used, normal_used);
  for (const Label& other : front) {
    if (other.normal_bytes == label.normal_bytes && other.prefill_s <= label.prefill_s && other.decode_s <= label.decode_s) return;
  }
  label.a = trail_.add({Trail::Kind::tier, trail_.add_bindings(bindings_), -1, tier_});
  front.push_back(label);
}

double TierSolver::npu_seconds_within(double limit_s) const {
  double sum = 0;
  for (std::size_t i = 0; i < operators_.size(); ++i) {
    const Allotment& b = bindings_[i];
    if (!b.split()) {
      sum += table_.npu_s(operators_[i], b);
      continue;
    }
    const SplitCurve& curve = table_.curve(operators_[i], b.nmp);
    const int last = curve.last_within(limit_s);
    if (last < 0) return std::numeric_limits<double>::infinity();
    sum += curve.npu_s[static_cast<std::size_t>(last)];
  }
  return sum;
}

void TierSolver::set_shares_within(double limit_s) {
  for (std::size_t i = 0; i < operators_.size(); ++i) {
    if (!bindings_[i].split()) continue;
    const SplitCurve& curve = table_.curve(operators_[i], bindings_[i].nmp);
    bindings_[i].units = curve.units[static_cast<std::size_t>(curve.last_within(limit_s))];
  }
}

/// Shares that make the step shortest. With NMP parts of at most T each, the NPU parts need f(T), which falls with T in steps at the NMP
/// times of the curves. The step is shortest at the first such T with T >= f(T), or at the one before it.
double TierSolver::shortest_step() {
  double floor_s = 0;  // the unsplit NMP operators take this long anyway
  for (std::size_t i = 0; i < operators_.size(); ++i) {
    if (!bindings_[i].split()) floor_s = std::max(floor_s, table_.nmp_s(operators_[i], bindings_[i]));
  }
  double first_enough = std::numeric_limits<double>::infinity();
  double last_short = floor_s;
  if (npu_seconds_within(floor_s) <= floor_s) first_enough = floor_s;
  for (std::size_t i = 0; i < operators_.size() && first_enough > floor_s; ++i) {
    if (!bindings_[i].split()) continue;
    const std::vector<double>& times = table_.curve(operators_[i], bindings_[i].nmp).nmp_s;
    const auto begin = std::upper_bound(times.begin(), times.end(), floor_s);
    const auto found = std::partition_point(begin, times.end(), [&](double t) { return npu_seconds_within(t) > t; });
    if (found != times.end()) first_enough = std::min(first_enough, *found);
    if (found != begin) last_short = std::max(last_short, *(found - 1));
  }
  const double npu_before = npu_seconds_within(last_short);
  const double best = first_enough <= npu_before ? first_enough : last_short;
  set_shares_within(best);
  return std::max(best, npu_seconds_within(best));
}

/// With a price on memory a longer step may be cheaper: a single operator's shares are all tried; several are pushed to their ends one by
/// one.
void TierSolver::add_priced_extremes(int nmp_used, bool normal_used) {
  if (operators_.size() == 1) {
    price_single(nmp_used);
    return;
  }
  const std::vector<Allotment> balanced = bindings_;
  for (std::size_t chosen = 1; chosen < std::size_t{1} << operators_.size(); ++chosen) {
    bindings_ = balanced;
    for (std::size_t i = 0; i < operators_.size(); ++i) {
      if ((chosen >> i & 1) == 0 || !bindings_[i].split()) continue;
      bindings_[i].units = pricing_.price_s_per_byte < 0 ? 0 : table_.units(operators_[i]) - 1;
    }
    add_label(nmp_used, normal_used);
  }
  bindings_ = balanced;
}

void TierSolver::price_single(int nmp_used) {
  Allotment best = bindings_[0];
  double best_s = std::numeric_limits<double>::infinity();
  const int nmp = bindings_[0].nmp;
  for (std::int64_t i = 0; i < table_.shares(operators_[0], nmp); ++i) {
    const Allotment b{nmp, true, table_.share(operators_[0], nmp, i)};
    const double step_s = std::max(table_.nmp_s(operators_[0], b), table_.npu_s(operators_[0], b));
    const double priced_s = step_s * table_.problem().generated_tokens + pricing_.price_s_per_byte * table_.normal_bytes(operators_[0], b);
    if (priced_s < best_s) {
      best_s = priced_s;
      best = b;
    }
  }
  bindings_[0] = best;
  add_label(nmp_used, true);
}

}  // namespace bondsim::search
