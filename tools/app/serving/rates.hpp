#pragma once
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tools/app/serving/serve.hpp"

namespace bondsim::tools {

/// A serving run at a request rate.
struct RatePoint {
  double rate_per_s = 0;  ///< asked for
  std::string json;       ///< serving.json
  double requests_per_s = 0, output_tokens_per_s = 0;
  double ttft_mean_ms = 0, ttft_p50_ms = 0, ttft_p99_ms = 0;
  double tpot_mean_ms = 0, tpot_p50_ms = 0, tpot_p99_ms = 0;
  double e2e_p99_ms = 0;
  double goodput_per_s = 0, attainment = 0;  ///< 0 without an SLO
};

/// The experiment at a mean rate: made requests at that rate, a trace's as much faster or slower as it takes.
/// @throws ConfigError for a closed loop, whose rate is what comes of it
Experiment at_rate(const Experiment& experiment, double rate_per_s);

/// Runs the experiment at one rate, in a process of its own. @param directory for requests.csv and iterations.csv; empty: none
RatePoint run_at_rate(const Experiment& experiment, double rate_per_s, ServingTier tier, const std::string& directory);

/// Runs the experiment at each of these rates, in worker processes side by side, under mpirun in those of all ranks.
/// @param jobs as lead_or_serve(). @param begin called in the leading process before any run; returns the directory in which each rate gets
/// `rate-R/` with its tables, empty: none
/// @return in the order of the rates; nullopt in a rank that worked for another. @throws ConfigError, InfeasibleError of a run
std::optional<std::vector<RatePoint>> run_at_rates(const Experiment& experiment, const std::vector<double>& rates, ServingTier tier,
                                                   int jobs, const std::function<std::string()>& begin,
                                                   const std::function<void(const RatePoint&)>& progress);

/// The throughput-latency curve, curve.csv.
std::string curve_csv(const std::vector<RatePoint>& points);
std::string curve_text(const std::vector<RatePoint>& points);

/// The highest rate at which at least `attainment` of the requests keep the SLO, found by bisection to 2 %: the rates tried are in order of
/// trial, the answer is the highest that kept it; 0 when not even 1/1024 of `first_per_s` does.
struct FoundRate {
  double rate_per_s = 0;
  bool at_least = false;  ///< the highest that was tried, at which as many still keep the SLO
  std::vector<RatePoint> points;
};
FoundRate find_rate(const Experiment& experiment, double attainment, double first_per_s, ServingTier tier,
                    const std::function<void(const RatePoint&)>& progress);

/// Both tables of a run, written as it goes. @throws IoError when the disk is full
class ServingTables {
 public:
  /// @param directory empty: none
  /// @param form_times as of ServeOptions
  ServingTables(const std::string& directory, const std::string& model, bool form_times = false);
  void attach(ServeOptions& options);
  void close();

 private:
  std::string model_;
  std::ofstream requests_, iterations_;
};

}  // namespace bondsim::tools
