#pragma once
#include <vector>

#include "mapping/plan/plan.hpp"
#include "mapping/speculation/rounds.hpp"

namespace bondsim::speculation {

/// Moves K and V of tokens inside the caches of a layer, through the NPU: all are loaded before any is written, since a place may be the
/// source of one and the target of another. Adds to a block of a layer.
void emit_copies(const Plan& plan, const std::vector<TokenCopy>& copies, Block& block);

}  // namespace bondsim::speculation
