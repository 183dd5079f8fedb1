#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/results/results.hpp"

namespace bondsim {

/// What all units of one kind did in a phase, against what they could do in that time if nothing ever waited.
struct UnitUse {
  std::string unit;       ///< HB ports, channel buses, PEs, arrays, vector units
  std::string what;       ///< bytes, MACs, operations
  std::int64_t done = 0;  ///< counted, in `what`
  double peak_per_s = 0;
  double share = 0;  ///< done / (peak_per_s * the phase's time); 0 in an empty phase
};

/// The units that the machine has (their peak is known and above zero), in the order named above.
/// @param phase `prefill` or `decode`
std::vector<UnitUse> speed_of_light(const Results& results, const std::string& phase);

/// `decode is limited most by the HB ports: they reach 52.1 % of their peak, and at their full speed would need 1.337 s of its 2.566 s`; of
/// the units the one with the highest share. The rest of the time is what PhaseFigures::bound() names, and waiting. `decode moves and
/// computes nothing` where all shares are zero.
std::string limiter_sentence(const Results& results, const std::string& phase);

/// The channel that is busy longest in a phase: neither waiting for others nor idle.
struct SlowestChannel {
  std::string name;
  Picoseconds busy;
  int channels = 0;        ///< of its kind, itself included
  double mean_busy_s = 0;  ///< of all channels of its kind, in seconds

  /// Share by which `busy` exceeds the mean; 0 when all are alike.
  double over_mean() const { return mean_busy_s > 0 ? to_seconds(busy) / mean_busy_s - 1 : 0; }
};

/// Of channels that are alike the first one; none where no channel is busy.
std::optional<SlowestChannel> slowest_channel(const Results& results, const std::string& phase);

/// At most `count` operators with the most busy time, most first. What belongs to no operator is not among them.
std::vector<const OperatorResult*> busiest_operators(const Results& results, std::size_t count);

/// The table of shares by phase, the limiters and the slowest channels, for the terminal.
std::string speed_of_light_text(const Results& results);

}  // namespace bondsim
