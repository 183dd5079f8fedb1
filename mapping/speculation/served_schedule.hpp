#pragma once
#include <memory>

#include "mapping/llm/batch.hpp"
#include "mapping/speculation/plans.hpp"
#include "models/schedule/schedule.hpp"

namespace bondsim::speculation {

/// Batches as they come, each an iteration: the draft's steps for the requests that decode, then the batch itself, whose requests of decode
/// have a chain of drafts, then the draft's prefill of what the batch has of prompts. @pre no tree, not parallel
std::unique_ptr<ScheduleSource> make_schedule(Plans plans, std::unique_ptr<BatchSource> batches);

}  // namespace bondsim::speculation
