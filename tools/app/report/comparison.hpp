#pragma once
#include <string>
#include <vector>

namespace bondsim::tools::report {

/// Figures of runs beside each other, and what their configurations differ in.
struct Comparison {
  /// One figure of every run, in its unit.
  struct Figure {
    std::string name;
    std::string unit;
    std::vector<double> values;  ///< by run
  };
  /// A key that has not the same value in every run; empty where a run does not have it.
  struct Difference {
    std::string key;
    std::vector<std::string> values;  ///< by run
  };
  std::vector<std::string> runs;  ///< directories as given
  std::vector<Figure> figures;
  std::vector<Difference> differences;
};

/// @param directories of runs; ratios are to be taken over the first. @throws ConfigError naming a directory that holds no whole results
Comparison compare_runs(const std::vector<std::string>& directories);

/// A line a figure: its value in the first run, then in each other with the ratio over the first; then the keys that differ.
std::string comparison_text(const Comparison& comparison);

}  // namespace bondsim::tools::report
