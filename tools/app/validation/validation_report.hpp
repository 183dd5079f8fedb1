#pragma once
#include <string>
#include <vector>

#include "mapping/cost/accuracy.hpp"
#include "tools/app/validation/validation.hpp"

/// Table and text of predictions beside cycle results.
namespace bondsim::tools {

/// A closed form or a file of predictions, and its seconds by row; 0 where it has none.
struct Judged {
  std::string name;
  std::vector<double> seconds;
};

/// Adds to the set's table: cycle_latency_s, what each of `judged` says, what the time went into, why there is no result.
void write_columns(CsvTable& table, const std::vector<CycleResult>& cycles, const std::vector<Judged>& judged);

/// The accuracy of each over all cases, a row each: form, cases, mape_percent, worst_percent, highest_percent, bias_percent, pearson_r,
/// kendall_tau. Percent with two decimals.
std::string accuracy_csv(const ValidationSet& set, const std::vector<CycleResult>& cycles, const std::vector<Judged>& judged);

/// Accuracy of one form, and whether it meets its limits.
struct AccuracyReport {
  std::string text;       ///< lines for a terminal
  bool gate_kept = true;  ///< false when a form misses the gate, or when there is a gate and a case did not end in its time
};

/// The accuracy of each as a whole, by kind of case and by what bounds it, and its ranking of devices.
AccuracyReport accuracy_report(const ValidationSet& set, const std::vector<CycleResult>& cycles, const std::vector<Judged>& judged,
                               const cost::Gate& gate);

}  // namespace bondsim::tools
