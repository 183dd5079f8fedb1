#pragma once
#include <memory>

#include "mapping/dataflow/dataflow.hpp"
#include "mapping/emit/step_sample.hpp"
#include "mapping/llm/batch.hpp"
#include "mapping/llm/model.hpp"
#include "mapping/llm/workload.hpp"
#include "mapping/plan/plan.hpp"
#include "models/schedule/schedule.hpp"
#include "models/system/system.hpp"

namespace bondsim {

/// Maps a model on a system: prefill on the NPU, then every decode step with its own context as the dataflow says. Blocks are made on
/// demand.
/// @throws InfeasibleError naming the channel, what needs its memory and what it has when the model does not fit; ConfigError when the
/// dataflow does not.
std::unique_ptr<ScheduleSource> make_schedule(const System& system, const Model& model, const Workload& workload, const Dataflow& dataflow);

/// The part of a run that a schedule has. A block that stands for others says so (Block::layers, Block::steps).
struct ScheduleScope {
  std::int64_t decode_samples = 0;  ///< decode steps taken, evenly; 0: all
  bool layers_only = false;         ///< without what is outside the decoder layers: embedding and LM head
};

/// The same from a plan that is already made.
std::unique_ptr<ScheduleSource> make_schedule(Plan plan, const ScheduleScope& scope = {});

/// A schedule of batches as they come: a step each. A batch of both phases becomes blocks with tasks of both, which share the machine as
/// the executors' order and the dependencies allow. The plan's workload gives every request that may come its place in memory.
/// @param layers_only without the embedding and the LM head
std::unique_ptr<ScheduleSource> make_schedule(Plan plan, std::unique_ptr<BatchSource> batches, bool layers_only = false);

}  // namespace bondsim
