#include "mapping/cost/rank_correlation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "models/base/error.hpp"

namespace bondsim::cost {
namespace {

int sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

double kendall_tau(const std::vector<double>& a, const std::vector<double>& b) {
  check(a.size() == b.size(), "{} and {} values", a.size(), b.size());
  double agree = 0;
  double untied_a = 0;
  double untied_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const int x = sign(a[i] - a[j]);
      const int y = sign(b[i] - b[j]);
      agree += x * y;
      untied_a += x * x;
      untied_b += y * y;
    }
  }
  if (untied_a == 0 || untied_b == 0) return std::numeric_limits<double>::quiet_NaN();
  return agree / std::sqrt(untied_a * untied_b);
}

std::vector<double> ranks(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return values[i] < values[j]; });
  std::vector<double> rank(values.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t next = first;
    while (next < order.size() && values[order[next]] == values[order[first]]) ++next;
    const double shared = 0.5 * static_cast<double>(first + 1 + next);
    for (; first < next; ++first) rank[order[first]] = shared;
  }
  return rank;
}

double spearman_rho(const std::vector<double>& a, const std::vector<double>& b) {
  check(a.size() == b.size(), "{} and {} values", a.size(), b.size());
  if (a.empty()) return std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> x = ranks(a);
  const std::vector<double> y = ranks(b);
  const double x_mean = mean(x);
  const double y_mean = mean(y);
  double xy = 0;
  double xx = 0;
  double yy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - x_mean) * (y[i] - y_mean);
    xx += (x[i] - x_mean) * (x[i] - x_mean);
    yy += (y[i] - y_mean) * (y[i] - y_mean);
  }
  if (xx == 0 || yy == 0) return std::numeric_limits<double>::quiet_NaN();
  return xy / std::sqrt(xx * yy);
}

}  // namespace bondsim::cost
