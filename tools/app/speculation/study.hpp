#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tools/app/experiment/experiment.hpp"

/// Speculation over depths, batches and acceptances.
namespace bondsim::tools {

/// Who says how long a step takes: the cycle model, or a closed form by its name.
using Judge = std::string;
inline const Judge cycles = "cycles";

/// A step, and where the time of the NMP channels went, mean over them; cycles alone say so.
struct StepTime {
  double seconds = 0;
  std::vector<std::pair<std::string, double>> parts;
};
template <class Visitor>
void members(Visitor& v, StepTime& s) {
  v("seconds", s.seconds);
  v("parts", s.parts);
}
inline const char* message_schema(const StepTime&) { return "bondsim.step_time/1"; }

/// Steps of a round, in the order of speculation::SampledPart.
using RoundTime = std::array<StepTime, 4>;

/// Rounds of a batch and depth.
struct DepthTimes {
  int batch = 1;
  int depth = 0;
  std::string problem;  ///< why there are no times: it does not fit the memory or the buffers
  std::map<Judge, RoundTime> times;
};

struct SpeculationStudyOptions {
  std::vector<int> depths = {1, 2, 3, 4, 5, 6, 7, 8};
  std::vector<int> batches = {1, 4, 16};
  std::vector<double> acceptances = {0.5, 0.6, 0.7, 0.8, 0.9, 0.95};
  std::string roofline = "h2llm-roofline-corrected";
  int jobs = 0;  ///< simulations side by side; 0: one a processor
  std::function<void(std::int64_t, std::int64_t)> progress = {};
};

struct SpeculationStudy {
  SpeculationConfig config;
  std::int64_t context = 0;
  std::vector<Judge> judges;  ///< cycles first
  std::vector<double> acceptances;
  std::vector<DepthTimes> rows;  ///< by batch, then depth

  /// The configuration with this depth and this chance at every level.
  SpeculationConfig config_at(int depth, double acceptance) const;
  /// Of one request; `acceptance` in place of the configuration's.
  double token_seconds(const DepthTimes& row, const Judge& judge, double acceptance) const;
  double plain_seconds(const DepthTimes& row, const Judge& judge) const { return row.times.at(judge)[0].seconds; }
  /// Depth of least time; 0: plain decode.
  int best_depth(int batch, const Judge& judge, double acceptance) const;
  /// Least acceptance at which some depth is as fast as plain decode; above 1: none is.
  double break_even(int batch, const Judge& judge) const;
  double break_even(const DepthTimes& row, const Judge& judge) const;
  std::vector<int> batches() const;
  const DepthTimes* find(int batch, int depth) const;
};

/// @pre the experiment's workload has a speculation. @throws InfeasibleError when nothing fits
SpeculationStudy study_speculation(const Experiment& experiment, const SpeculationStudyOptions& options);

/// The table for the terminal, what differs between judges, and why.
std::string study_text(const SpeculationStudy& study);
/// speculation.csv: batch, depth, acceptance, judge, and what they give.
std::string study_csv(const SpeculationStudy& study);

}  // namespace bondsim::tools
