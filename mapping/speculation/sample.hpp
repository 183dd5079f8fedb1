#pragma once
#include <memory>

#include "mapping/speculation/plans.hpp"
#include "mapping/speculation/rounds.hpp"
#include "models/schedule/schedule.hpp"

namespace bondsim::speculation {

/// Steps of a run by themselves, without a prefill.
enum class SampledPart {
  plain,         ///< a token of each request, without drafts
  verification,  ///< all rows
  draft,         ///< the draft's steps, when nothing or a part of the draft before was accepted
  caught_up      ///< likewise, when all of it was: the first step has a token more
};

/// One step around `context` tokens, its requests apart by a token each. The plans hold the caches; a part without work has no block.
std::unique_ptr<ScheduleSource> sample_schedule(Plans plans, SampledPart part, std::int64_t context);

}  // namespace bondsim::speculation
