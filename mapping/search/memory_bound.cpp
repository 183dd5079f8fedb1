#include "mapping/search/memory_bound.hpp"

#include <algorithm>

#include "mapping/search/storing.hpp"

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

/// Every binding of one operator, at one weighting of NMP and NPU time.
Hull operator_hull(const OperatorTable& table, int op, double nmp_weight) {
  const auto point = [&](const Binding& b) {
    const double nmp_part = table.nmp_channels() == 0 ? 0 : nmp_weight * table.nmp_s(op, b) * b.nmp / table.nmp_channels();
    const double step_s = nmp_part + (1 - nmp_weight) * table.npu_s(op, b);
    return Point{table.normal_bytes(op, b), table.prefill_s(op, b.nmp, b.normal) + table.problem().generated_tokens * step_s};
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

/// Value of the dual at one price: a lower bound for every price.
double dual_s(const std::vector<Hull>& hulls, double price_s_per_byte, const NormalRange& range, double& bytes) {
  double sum = 0;
  bytes = 0;
  for (const Hull& hull : hulls) {
    const auto best = std::min_element(hull.begin(), hull.end(), [&](const Point& a, const Point& b) {
      return a.seconds + price_s_per_byte * a.bytes < b.seconds + price_s_per_byte * b.bytes;
    });
    sum += best->seconds + price_s_per_byte * best->bytes;
    bytes += best->bytes;
  }
  return sum - price_s_per_byte * (price_s_per_byte < 0 ? range.least : range.most);
}

double best_dual_s(const std::vector<Hull>& hulls, const NormalRange& range) {
  double bytes = 0;
  double best = dual_s(hulls, 0, range, bytes);
  if (bytes >= range.least && bytes <= range.most) return best;
  const double sign = bytes < range.least ? -1 : 1;
  double low = 0;
  double high = 1e-6;  // a second a megabyte: far above any device
  for (int step = 0; step < 100; ++step) {
    const double price = 0.5 * (low + high);
    best = std::max(best, dual_s(hulls, sign * price, range, bytes));
    const bool enough = sign < 0 ? bytes >= range.least : bytes <= range.most;
    (enough ? high : low) = price;
  }
  return best;
}

/// The bound at one weighting of NMP and NPU time.
double bound_at(const OperatorTable& table, const NormalRange& range, double nmp_weight) {
  std::vector<Hull> hulls;
  for (int op = 0; op < table.operators(); ++op) hulls.push_back(operator_hull(table, op, nmp_weight));
  return best_dual_s(hulls, range);
}

}  // namespace

double memory_lower_bound_s(const OperatorTable& table) {
  const NormalRange range = normal_range(table);
  double best = std::max(bound_at(table, range, 0), bound_at(table, range, 1));
  // A minimum of functions linear in the weight: concave, so the largest is found by thirds.
  double low = 0;
  double high = 1;
  for (int step = 0; step < 8; ++step) {
    const double left = low + (high - low) / 3;
    const double right = high - (high - low) / 3;
    const double left_s = bound_at(table, range, left);
    const double right_s = bound_at(table, range, right);
    best = std::max({best, left_s, right_s});
    (left_s < right_s ? low : high) = left_s < right_s ? left : right;
  }
  return best;
}

}  // namespace bondsim::search
