#pragma once
#include <string>
#include <vector>

/// How far predictions are from measurements.
namespace bondsim::cost {

/// Errors and ranks of predictions beside measurements, over all points. Percent are of the measurement.
struct Accuracy {
  std::size_t points = 0;
  double mape_percent = 0;      ///< mean of |prediction / measurement - 1|
  double worst_percent = 0;     ///< the error of largest magnitude, with its sign
  std::size_t worst_point = 0;  ///< its index
  double highest_percent = 0;   ///< the largest of prediction / measurement - 1: not above 0 for a lower bound
  double bias_percent = 0;      ///< mean of prediction / measurement - 1
  double pearson_r = 0;         ///< of the values; 0 when either side does not vary
  double kendall_tau = 0;       ///< tau-b, of ranks, ties accounted for; 0 when either side does not vary

  /// tau-b inside each group of points, where one has at least two: an operator on several devices.
  struct Groups {
    std::size_t count = 0;
    double mean_tau = 0;
    double lowest_tau = 0;
    std::string lowest;  ///< the group
  };
  Groups groups;
};

/// @param predictions, measurements: of the same length; measurements above 0. All zero without points.
/// @param groups by point, its group; empty: it is in none. Left out: there are no groups.
Accuracy accuracy(const std::vector<double>& predictions, const std::vector<double>& measurements,
                  const std::vector<std::string>& groups = {});

/// Limits an accuracy has to keep. Written `mape=5,worst=15,bias=3,over=0,r=0.99,tau=0.9,device_tau=0.95`: the first four are most in
/// percent (of the magnitude; `over` of highest_percent), the others least; device_tau is the lowest of the groups'.
struct Gate {
  struct Limit {
    std::string metric;
    double value = 0;
  };
  std::vector<Limit> limits;

  /// @throws ConfigError for an unknown metric or a value that is no number.
  static Gate parse(const std::string& text);
  /// One text for each limit that is missed; a gate without points is missed.
  std::vector<std::string> missed(const Accuracy& accuracy) const;
};

}  // namespace bondsim::cost
