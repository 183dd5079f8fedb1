#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "mapping/search/device/machine_bound.hpp"
#include "tools/app/experiment/experiment.hpp"

/// Dataflows of one experiment, ranked by the closed form `detailed` and confirmed by simulation.
namespace bondsim::tools {

/// Seconds of a run: the prefill, and all decode steps.
struct RunTimes {
  double prefill_s = 0;
  double decode_s = 0;
  double total_s() const { return prefill_s + decode_s; }
};

/// A simulated run; joules of the whole run.
struct ConfirmedRun {
  RunTimes times;
  double energy_j = 0;
};

/// Where a candidate comes from.
enum class DataflowOrigin { shipped, given, found };

/// A candidate with its estimated and, when confirmed, simulated times.
struct RankedDataflow {
  Dataflow dataflow;
  DataflowOrigin origin = DataflowOrigin::found;
  std::string problem;  ///< why the system or its memory does not take it; empty: it does
  RunTimes estimate;    ///< by `detailed`
  std::optional<ConfirmedRun> confirmed;
};

/// Candidates in the order of their times, the fastest first.
struct DataflowStudy {
  std::vector<RankedDataflow> ranking;  ///< simulated ones first, fastest first; then by estimate; then those with a problem
  search::MachineBound bound;

  /// The fastest by cycles. @throws InfeasibleError when no candidate runs
  const RankedDataflow& winner() const;
};

/// Effort of a study: samples, confirmations, refinements.
struct DataflowStudyOptions {
  std::vector<std::string> files;   ///< candidates besides the shipped ones
  std::int64_t decode_samples = 3;  ///< decode steps estimated and simulated, evenly over the contexts; 0: all
  int confirm = 4;                  ///< best estimates that are simulated at least
  int refinements = 400;            ///< estimates the refinement may take
  int jobs = 0;                     ///< worker processes; 0: one a processor
  std::function<void(const std::string& what, int done, int total)> progress = {};
};

/// Share by which the form may be off: a found candidate whose estimate is worse by more than this is not simulated; a given one always is.
constexpr double form_margin = 0.15;

/// A run by `detailed`, mapped as in a simulation. @throws InfeasibleError, ConfigError as make_plan does
RunTimes estimated_times(const Experiment& experiment, const Dataflow& dataflow, std::int64_t decode_samples);

/// @throws ConfigError for a file that is none; InfeasibleError when no candidate runs.
DataflowStudy study_dataflows(const Experiment& experiment, const DataflowStudyOptions& options);

/// The table for the terminal: ms and mJ a token, gap to the bound in percent.
std::string study_summary(const DataflowStudy& study, const Experiment& experiment);
/// One row a candidate.
std::string study_csv(const DataflowStudy& study);

}  // namespace bondsim::tools
