#pragma once
#include <string>
#include <vector>

#include "mapping/cost/accuracy.hpp"
#include "tools/app/validation.hpp"

/// What is made of predictions and cycle results: a table and a text.
namespace bondsim::tools {

/// A closed form or a file of predictions, and its seconds by row; 0 where it has none.
struct Judged {
  std::string name;
  std::vector<double> seconds;
};

/// Adds to the set's table: cycle_latency_s, what each of `judged` says, what the time went into, why there is no result.
void write_columns(CsvTable& table, const std::vector<CycleResult>& cycles, const std::vector<Judged>& judged);

/// Prints the accuracy of each as a whole, by kind of case and by what bounds it, and its ranking of devices.
/// @return false when one of them misses the gate, or when there is a gate and a case did not end in its time
bool report_accuracy(const ValidationSet& set, const std::vector<CycleResult>& cycles, const std::vector<Judged>& judged,
                     const cost::Gate& gate);

}  // namespace bondsim::tools
