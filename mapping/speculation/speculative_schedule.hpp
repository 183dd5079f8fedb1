#pragma once
#include <memory>

#include "mapping/speculation/plans.hpp"
#include "mapping/speculation/rounds.hpp"
#include "models/schedule/schedule.hpp"

namespace bondsim::speculation {

/// A fixed workload with drafts: the prefill of the model and of the draft's, then rounds, each a step of the run: the draft's steps, the
/// verification, and the copies that a tree's accepted tokens need. With schedule parallel, the verification's blocks and the draft's next
/// steps are one block.
std::unique_ptr<ScheduleSource> make_schedule(Plans plans);

}  // namespace bondsim::speculation
