#pragma once
#include <functional>

#include "models/schedule/schedule.hpp"
#include "models/system/system.hpp"
#include "sim/results.hpp"
#include "sim/system_builder.hpp"
#include "sim/trace/hub.hpp"

namespace bondsim {

struct SimulateOptions {
  TraceHub* traces = nullptr;  ///< who is told what happens; null: nobody
  Replay::Progress progress;   ///< called after each block
  ConstructionOrder construction = ConstructionOrder::channels_first;
};

/// Builds the system, replays the schedule, returns what happened. SystemC elaborates once a process: call this once, or through
/// run_isolated() (sim/isolate.hpp). @throws InfeasibleError when the schedule cannot come to its end.
Results simulate(const System& system, ScheduleSource& schedule, const SimulateOptions& options = {});

}  // namespace bondsim
