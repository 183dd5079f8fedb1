#include "mapping/search/dataflow/memory_bound.hpp"

#include <algorithm>
#include <limits>
#include <map>

#include "mapping/search/dataflow/graph_sets.hpp"
#include "mapping/search/dataflow/storing.hpp"

namespace bondsim::search {
namespace {

/// Bytes in the normal channels, and the least an operator then adds to the bound.
struct Point {
  double bytes;
  double seconds;
};
using Hull = std::vector<Point>;

/// Keeps the lower convex hull of points with rising bytes.
void add_to_hull(Hull& hull, const Point& p) {
  const auto above = [](const Point& a, const Point& b, const Point& c) {
    return (b.seconds - a.seconds) * (c.bytes - a.bytes) >= (c.seconds - a.seconds) * (b.bytes - a.bytes);
  };
  if (!hull.empty() && hull.back().bytes == p.bytes) {
    if (hull.back().seconds <= p.seconds) return;
    hull.pop_back();
  }
  while (hull.size() >= 2 && above(hull[hull.size() - 2], hull.back(), p)) hull.pop_back();
  hull.push_back(p);
}

Hull merged(const std::vector<Hull>& hulls) {
  std::vector<Point> points;
  for (const Hull& hull : hulls) points.insert(points.end(), hull.begin(), hull.end());
  std::sort(points.begin(), points.end(),
            [](const Point& a, const Point& b) { return a.bytes != b.bytes ? a.bytes < b.bytes : a.seconds < b.seconds; });
  Hull hull;
  for (const Point& p : points) add_to_hull(hull, p);
  return hull;
}

/// Every binding of one operator. @param step_s what it adds to its stage.
template <class Step>
Hull operator_hull(const OperatorTable& table, int op, const Step& step_s) {
  const auto point = [&](const Allotment& b) {
    return Point{table.normal_bytes(op, b), table.prefill_s(op, b.nmp, b.normal) + table.problem().generated_tokens * step_s(op, b)};
  };
  std::vector<Hull> hulls;
  if (table.has_normal()) hulls.push_back({point({0, true, 0})});
  for (int nmp = 1; nmp <= table.nmp_channels(); ++nmp) {
    hulls.push_back({point({nmp, false, 0})});
    if (!table.has_normal() || table.problem().rule == BindingRule::compute_centric) continue;
    Hull hull;
    for (std::int64_t units = table.units(op) - 1; units >= 0; --units) add_to_hull(hull, point({nmp, true, units}));
    hulls.push_back(std::move(hull));
  }
  return merged(hulls);
}

/// The least of seconds + price * bytes.
double cheapest(const Hull& hull, double price_s_per_byte) {
  double best = std::numeric_limits<double>::infinity();
  for (const Point& p : hull) best = std::min(best, p.seconds + price_s_per_byte * p.bytes);
  return best;
}

class StageBound {
 public:
  explicit StageBound(const OperatorTable& table) : range_(normal_range(table)), sets_(table.operators(), table.problem().edges) {
    for (int op = 0; op < table.operators(); ++op) {
      alone_.push_back(operator_hull(table, op, [&](int o, const Allotment& b) { return std::max(table.nmp_s(o, b), table.npu_s(o, b)); }));
      idle_.push_back(operator_hull(table, op, [](int, const Allotment&) { return 0.0; }));
      shared_.emplace_back();
      for (int w = 0; w <= weights; ++w) {
        const double nmp_weight = static_cast<double>(w) / weights;
        shared_.back().push_back(operator_hull(table, op, [&](int o, const Allotment& b) {
          const double busy_s = b.nmp == 0 ? 0 : table.nmp_s(o, b) * b.nmp / table.nmp_channels();
          return nmp_weight * busy_s + (1 - nmp_weight) * table.npu_s(o, b);
        }));
      }
    }
    for (const OperatorSet closed : sets_.closed_sets()) {
      for (const OperatorSet before : sets_.closed_sets()) {
        const OperatorSet stage = closed & ~before;
        if ((before & ~closed) == 0 && stage != 0 && is_stage(stage)) steps_.push_back({before, closed, stage});
      }
    }
  }

  /// Every price gives a bound; the best is looked for on a grid, then by thirds beside the best of the grid.
  double best_s() {
    double best = at_price(0);
    double best_price = 0;
    constexpr double grid = 1.6;
    for (const double sign : {-1.0, 1.0}) {
      for (double size = 1e-14; size < 1e-6; size *= grid) {
        const double bound_s = at_price(sign * size);
        if (bound_s > best) best_price = sign * size;
        best = std::max(best, bound_s);
      }
    }
    double low = best_price / grid;
    double high = best_price * grid;
    for (int step = 0; step < 80; ++step) {
      const double left = low + (high - low) / 3;
      const double right = high - (high - low) / 3;
      const double left_s = at_price(left);
      const double right_s = at_price(right);
      best = std::max({best, left_s, right_s});
      (left_s < right_s ? low : high) = left_s < right_s ? left : right;
    }
    return best;
  }

 private:
  static constexpr int weights = 16;
  struct Step {
    OperatorSet before;
    OperatorSet closed;
    OperatorSet stage;
  };

  /// One operator, operators side by side in a tier, or several MPGs.
  bool is_stage(OperatorSet set) const { return sets_.last_of(set) == set || sets_.components(set).size() > 1; }

  double at_price(double price_s_per_byte) {
    shared_now_.assign(shared_.size(), {});
    alone_now_.clear();
    idle_now_.clear();
    chains_.clear();
    for (std::size_t op = 0; op < shared_.size(); ++op) {
      alone_now_.push_back(cheapest(alone_[op], price_s_per_byte));
      idle_now_.push_back(cheapest(idle_[op], price_s_per_byte));
      for (const Hull& hull : shared_[op]) shared_now_[op].push_back(cheapest(hull, price_s_per_byte));
    }
    std::map<OperatorSet, double> best{{0, 0.0}};
    for (const Step& step : steps_) {  // closed sets come smaller first
      const double end = best.at(step.before) + stage_cost(step.stage);
      const auto [entry, is_new] = best.emplace(step.closed, end);
      if (!is_new) entry->second = std::min(entry->second, end);
    }
    return best.at(sets_.all()) - price_s_per_byte * (price_s_per_byte < 0 ? range_.least : range_.most);
  }

  /// The largest of what is known of a stage.
  double stage_cost(OperatorSet stage) {
    if ((stage & (stage - 1)) == 0) return alone_now_[static_cast<std::size_t>(__builtin_ctz(stage))];
    double best = -std::numeric_limits<double>::infinity();
    for (std::size_t w = 0; w <= weights; ++w) {
      best = std::max(best, sum_over(stage, [&](std::size_t op) { return shared_now_[op][w]; }));
    }
    for (const OperatorSet group : sets_.components(stage)) {
      best = std::max(best, chain_cost(group) + sum_over(stage & ~group, [&](std::size_t op) { return idle_now_[op]; }));
    }
    return best;
  }

  template <class Cost>
  double sum_over(OperatorSet set, const Cost& cost) const {
    double sum = 0;
    for (std::size_t op = 0; op < idle_now_.size(); ++op) {
      if ((set >> op & 1) != 0) sum += cost(op);
    }
    return sum;
  }

  /// One MPG, tier by tier.
  double chain_cost(OperatorSet group) {
    if (group == 0) return 0;
    const auto known = chains_.find(group);
    if (known != chains_.end()) return known->second;
    const OperatorSet last = sets_.last_of(group);
    double best = std::numeric_limits<double>::infinity();
    for (OperatorSet tier = last; tier != 0; tier = (tier - 1) & last) best = std::min(best, chain_cost(group & ~tier) + stage_cost(tier));
    return chains_[group] = best;
  }

  NormalRange range_;
  GraphSets sets_;
  std::vector<Hull> alone_;
  std::vector<std::vector<Hull>> shared_;  ///< by operator, by weight
  std::vector<Hull> idle_;                 ///< prefill alone
  std::vector<Step> steps_;

  // At the price of the moment.
  std::vector<double> alone_now_;
  std::vector<double> idle_now_;
  std::vector<std::vector<double>> shared_now_;
  std::map<OperatorSet, double> chains_;
};

}  // namespace

double memory_lower_bound_s(const OperatorTable& table) { return StageBound(table).best_s(); }

}  // namespace bondsim::search
