#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "tools/app/validation/validation.hpp"

/// One step of a run as a case.
namespace bondsim::tools {

bool has(const Block& block, TaskKind kind);

/// Calls `take` with the blocks of each step of a schedule in turn.
void for_each_step(ScheduleSource& schedule, const std::function<void(std::vector<Block>)>& take);

/// A whole step: its blocks one after the other. @param blocks of one step
ValidationCase case_of_step(std::shared_ptr<const System> system, const ScheduleHeader& header, std::vector<Block> blocks);

}  // namespace bondsim::tools
