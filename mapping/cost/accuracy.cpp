#include "mapping/cost/accuracy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>
#include <utility>

#include "mapping/cost/rank_correlation.hpp"
#include "models/base/error.hpp"

namespace bondsim::cost {
namespace {

double pearson(const std::vector<double>& x, const std::vector<double>& y) {
  const auto n = static_cast<double>(x.size());
  double mean_x = 0, mean_y = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    mean_x += x[i] / n;
    mean_y += y[i] / n;
  }
  double xx = 0, yy = 0, xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mean_x) * (x[i] - mean_x);
    yy += (y[i] - mean_y) * (y[i] - mean_y);
    xy += (x[i] - mean_x) * (y[i] - mean_y);
  }
  return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : 0;
}

/// 0 where a side is all ties.
double kendall(const std::vector<double>& x, const std::vector<double>& y) {
  const double tau = kendall_tau(x, y);
  return std::isnan(tau) ? 0 : tau;
}

Accuracy::Groups taus_of_groups(const std::vector<double>& x, const std::vector<double>& y, const std::vector<std::string>& groups) {
  std::map<std::string, std::pair<std::vector<double>, std::vector<double>>> members;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (groups[i].empty()) continue;
    members[groups[i]].first.push_back(x[i]);
    members[groups[i]].second.push_back(y[i]);
  }
  Accuracy::Groups out;
  for (const auto& [name, points] : members) {
    if (points.first.size() < 2) continue;
    const double tau = kendall(points.first, points.second);
    if (out.count == 0 || tau < out.lowest_tau) {
      out.lowest_tau = tau;
      out.lowest = name;
    }
    out.mean_tau += tau;
    ++out.count;
  }
  if (out.count > 0) out.mean_tau /= static_cast<double>(out.count);
  return out;
}

/// How a metric is read, and whether it is a most (else a least).
struct Metric {
  const char* name;
  double (*value)(const Accuracy&);
  bool at_most;
};

constexpr Metric metrics[] = {
    {"mape", [](const Accuracy& a) { return a.mape_percent; }, true},
    {"worst", [](const Accuracy& a) { return std::abs(a.worst_percent); }, true},
    {"bias", [](const Accuracy& a) { return std::abs(a.bias_percent); }, true},
    {"over", [](const Accuracy& a) { return a.highest_percent; }, true},
    {"r", [](const Accuracy& a) { return a.pearson_r; }, false},
    {"tau", [](const Accuracy& a) { return a.kendall_tau; }, false},
    {"device_tau", [](const Accuracy& a) { return a.groups.lowest_tau; }, false},
};

const Metric* metric_of(const std::string& name) {
  const auto* found = std::find_if(std::begin(metrics), std::end(metrics), [&](const Metric& m) { return name == m.name; });
  return found == std::end(metrics) ? nullptr : found;
}

}  // namespace

Accuracy accuracy(const std::vector<double>& predictions, const std::vector<double>& measurements, const std::vector<std::string>& groups) {
  check(predictions.size() == measurements.size(), "{} predictions for {} measurements", predictions.size(), measurements.size());
  check(groups.empty() || groups.size() == predictions.size(), "{} groups for {} predictions", groups.size(), predictions.size());
  Accuracy a;
  a.points = predictions.size();
  if (a.points == 0) return a;
  const auto n = static_cast<double>(a.points);
  for (std::size_t i = 0; i < a.points; ++i) {
    const double error = 100 * (predictions[i] / measurements[i] - 1);
    a.mape_percent += std::abs(error) / n;
    a.bias_percent += error / n;
    a.highest_percent = i == 0 ? error : std::max(a.highest_percent, error);
    if (std::abs(error) > std::abs(a.worst_percent)) {
      a.worst_percent = error;
      a.worst_point = i;
    }
  }
  a.pearson_r = pearson(predictions, measurements);
  a.kendall_tau = kendall(predictions, measurements);
  a.groups = taus_of_groups(predictions, measurements, groups);
  return a;
}

Gate Gate::parse(const std::string& text) {
  Gate gate;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    const auto equals = part.find('=');
    const std::string name = part.substr(0, equals);
    if (equals == std::string::npos || metric_of(name) == nullptr) {
      throw ConfigError(fmt::format(
          "--gate: '{}' is not known, allowed: mape=, worst=, bias=, over= (percent), r=, tau=, device_tau= and a number", part));
    }
    const std::string number = part.substr(equals + 1);
    std::size_t used = 0;
    double value = NAN;
    try {
      value = std::stod(number, &used);
    } catch (const std::exception&) {
      used = 0;
    }
    if (number.empty() || used != number.size() || !std::isfinite(value)) {
      throw ConfigError(fmt::format("--gate: {}='{}' is not a number", name, number));
    }
    gate.limits.push_back({name, value});
  }
  return gate;
}

std::vector<std::string> Gate::missed(const Accuracy& a) const {
  std::vector<std::string> out;
  for (const Limit& limit : limits) {
    const Metric& metric = *metric_of(limit.metric);
    const double value = metric.value(a);
    const bool kept = a.points > 0 && (metric.at_most ? value <= limit.value : value >= limit.value);
    if (!kept)
      out.push_back(fmt::format("{} is {:.4g}, at {} {:g} asked", limit.metric, value, metric.at_most ? "most" : "least", limit.value));
  }
  return out;
}

}  // namespace bondsim::cost
