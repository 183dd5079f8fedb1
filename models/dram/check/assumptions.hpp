#pragma once
#include <string>
#include <vector>

#include "models/dram/spec/config.hpp"

namespace bondsim {

/// One rule of the trace checker: its name in a violation, the claim it makes, the value it takes from the part, and the checker's own
/// source for both. The table, assumptions.csv, is written from the sources, not from timing_rules().
struct Assumption {
  std::string rule;
  std::string claim;
  std::string value;  ///< in keys of `dram.timing`, of the system's NMP side, or "" for a rule without a length
  std::string source;
};

/// Every rule that a TraceChecker can report. A rule that is not listed here cannot be reported.
const std::vector<Assumption>& assumptions();

/// One length of the LPDDR5 datasheet: `ns`, but no fewer than `cycles` of CK.
struct DatasheetValue {
  const char* key;  ///< of `dram.timing`
  double ns = 0;
  int cycles = 0;
  const char* source;
};

/// Lengths of LPDDR5 (or of LPDDR5X) for a die of `gigabits`, in nanoseconds as the standard gives them: a second source for the cycles
/// that a file of configs/dram/ gives.
/// @throws InternalError when the standard has no such density.
std::vector<DatasheetValue> lpddr5_datasheet(int gigabits, bool lpddr5x);

/// Keys of `dram.timing` in which a part is faster than the datasheet, with both values; empty when there is none.
std::vector<std::string> faster_than_datasheet(const DramConfig& part, const std::vector<DatasheetValue>& datasheet);

}  // namespace bondsim
