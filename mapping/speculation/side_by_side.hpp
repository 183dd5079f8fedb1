#pragma once
#include <vector>

#include "mapping/emit/step_blocks.hpp"
#include "mapping/speculation/plans.hpp"

namespace bondsim::speculation {

/// A verification and steps of the draft in one block, each a chain: its parts (embedding, layers, head) one after the other. A part that
/// stands for several layers comes as often. Each has half of the vector units; channels and arrays are those of its dataflow.
Block side_by_side(const System& system, StepBlocks& target, StepBlocks& draft, const BatchStep& verification,
                   const std::vector<Batch>& steps);

/// @throws ConfigError when both use a channel or the arrays in decode, or share vector units in groups: an executor takes its tasks in one
/// order, so that one of them would wait for the other.
void require_disjoint(const Plan& target, const Plan& draft);

}  // namespace bondsim::speculation
