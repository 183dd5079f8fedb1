#pragma once
#include "tools/app/experiment/experiment.hpp"

namespace bondsim::tools {

/// How long a run will take, from a few of its steps by the closed form `detailed`.
struct RunForecast {
  double simulated_s = 0;  ///< that the kernel passes through: a layer that stands for others once
  double wall_s = 0;       ///< about, by the speed of one core; within a factor of three
};

/// ASSUMED: seconds of one core for a second of simulated time of a channel. Measured, of five shipped experiments: 2 to 7.
inline constexpr double wall_s_per_channel_s = 4;

/// @throws as plan_experiment
RunForecast forecast_run(const Experiment& experiment);

/// A run that may be begun without asking how long it takes: such a question would cost more than it saves.
bool surely_short(const Experiment& experiment);

/// @throws InfeasibleError when the run would take more than `longest_s` on one core, with what it would take and what allows it
void require_ends(const Experiment& experiment, double longest_s);

}  // namespace bondsim::tools
