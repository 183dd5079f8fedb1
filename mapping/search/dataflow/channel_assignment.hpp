#pragma once
#include "mapping/search/dataflow/dataflow.hpp"

namespace bondsim::search {

/// Names the channels of a dataflow that has counts only, so that the fullest channel holds as little as can be found: heavy operators go
/// to the emptiest channels, then each MAG in turn is placed again given the others. Deterministic.
/// @return whether every channel holds what it is given.
bool assign_channels(const OperatorTable& table, FoundDataflow& dataflow);

}  // namespace bondsim::search
