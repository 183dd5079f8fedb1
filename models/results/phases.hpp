#pragma once
#include <string>

#include "models/results/results.hpp"

namespace bondsim {

/// One phase of a run by itself: the prefill, or all decode steps.
struct PhaseFigures {
  Picoseconds time;
  std::int64_t tokens = 0;  ///< of all requests: prompt tokens of the prefill, generated tokens of decode
  Attojoules energy;
  std::string executor;   ///< who is busy most of the time: `nmp channels`, `normal channels`, `npu`; empty where nothing is
  double busy_share = 0;  ///< of that executor's time in the phase: neither waiting for others nor idle
  std::string part;       ///< the longest part of its busy time, as in TimeParts
  double part_share = 0;  ///< of its time

  double tokens_per_s() const;
  double joules_per_token() const;
  /// `nmp channels, busy 98.6 % of the time, 45.1 % with column`; `nothing` for an empty phase.
  std::string bound() const;
};

/// Simulated time of `prefill` or `decode`.
Picoseconds phase_length(const Results& results, const std::string& phase);

/// Part of the time in which an executor neither waits for others nor is idle.
Picoseconds busy_time(const TimeParts& parts);

/// `2.566 s`, `232.766 ms`, `0.688 us`
std::string time_text(double seconds);

/// @param phase `prefill` or `decode`
PhaseFigures phase_figures(const Results& results, const std::string& phase);

}  // namespace bondsim
