#pragma once
#include <functional>

#include "models/results/results.hpp"
#include "models/schedule/schedule.hpp"
#include "models/system/system.hpp"
#include "sim/construction_order.hpp"
#include "sim/trace/hub.hpp"

namespace bondsim {

using ReplayProgress = std::function<void(const Block&)>;
/// A block that has ended, and the energy of all its executions.
using BlockEnergy = std::function<void(const Block&, Attojoules)>;

/// Observers of a run, and the order in which modules are built; none of them changes a result.
struct SimulateOptions {
  TraceHub* traces = nullptr;  ///< who is told what happens; null: nobody
  ReplayProgress progress;     ///< called after each block
  BlockEnergy energy;          ///< called before it
  ConstructionOrder construction = ConstructionOrder::channels_first;
};

/// Builds the system, replays the schedule, returns what happened. SystemC elaborates once a process: call this once, or through
/// run_isolated() (tools/app/processes/isolate.hpp). @throws InfeasibleError when the schedule cannot come to its end.
Results simulate(const System& system, ScheduleSource& schedule, const SimulateOptions& options = {});

}  // namespace bondsim
