#pragma once
#include "models/schedule/schedule.hpp"
#include "models/system/system.hpp"

namespace bondsim {

/// Decides where a channel may stay in NMP mode between the tasks of a block; the last thing done to it.
/// @param past_other_tasks it stays too while the next task of the same operator waits for any others, if only its own tasks need its
/// normal mode
void keep_nmp_mode(Block& block, bool past_other_tasks = false);

/// Puts the fixed times of a runtime into a block: an operator's before its first task on each executor, as far as that waits for no task
/// of the same operator, so that launches on an executor follow one another; a step's, where the block begins one, before everything.
void add_overhead(Block& block, const OverheadConfig& overhead, bool begins_step);

/// The tasks of one operator of a block as a block of their own, that stands for one layer: what they waited for outside the operator is
/// there from the start, and input that it shares with other operators is scattered for it alone. Empty when the block does not have the
/// operator.
/// @param op index into ScheduleHeader::operators
Block operator_block(const Block& block, std::int32_t op);

}  // namespace bondsim
