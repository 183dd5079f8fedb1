#pragma once
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/base/csv_table.hpp"
#include "models/results/results.hpp"
#include "tools/app/experiment/experiment.hpp"

namespace bondsim::tools {

/// An experiment over values of some keys.
struct SweepRequest {
  ExperimentRequest experiment;
  std::vector<std::string> axes;  ///< `section.key=value,value,...`
  bool zip = false;               ///< the n-th values together, instead of every combination
  std::string out;                ///< directory for sweep.csv
  int jobs = 0;                   ///< worker processes; 0: one a processor
};

/// One run of a sweep: the values of its keys, in the order of the axes.
using SweepPoint = std::vector<std::pair<std::string, std::string>>;

/// Points are in memory as a whole.
constexpr std::size_t most_sweep_points = 100000;

/// All points, the last axis fastest. Commas inside brackets do not part values.
/// @throws ConfigError for an axis without values, a key given twice, lists of unequal length with `zip`, and too many points.
std::vector<SweepPoint> sweep_points(const std::vector<std::string>& axes, bool zip);

/// Figures that a sweep keeps of a run.
struct SweepRow {
  std::vector<std::pair<std::string, double>> metrics;  ///< by column, each with its unit
  std::string decode_bound;                             ///< as PhaseFigures::bound says
  std::string problem;                                  ///< why there are no metrics: the point is infeasible
};
template <class Visitor>
void members(Visitor& v, SweepRow& r) {
  v("metrics", r.metrics);
  v("decode_bound", r.decode_bound);
  v("problem", r.problem);
}
inline const char* message_schema(const SweepRow&) { return "bondsim.sweep_row/1"; }

SweepRow sweep_row(const Results& results);

/// Outcome of a sweep.
struct SweepResult {
  CsvTable table;              ///< sweep.csv: a column for each key, then each metric, decode_bound, problem
  std::size_t infeasible = 0;  ///< rows with a problem
};

/// Runs every point in worker processes, or in those of all ranks of an MPI job, and writes sweep.csv. Answers are kept beside `out` until
/// then, so that a sweep that was ended goes on.
/// @param progress called with how many are done and how many there are
/// @return nullopt in a rank that worked for another. @throws ConfigError, which a wrong value is before anything runs; IoError
std::optional<SweepResult> run_sweep(const SweepRequest& request, const std::function<void(std::int64_t, std::int64_t)>& progress);

}  // namespace bondsim::tools
