#pragma once
#include "mapping/search/dataflow/search_result.hpp"

namespace bondsim::search {

/// The fastest dataflow, exactly when the memory does not bind or the storing choices are few; otherwise the best of a search over
/// prices of memory and a genetic search from there, with the bound. README.md says why. @throws InfeasibleError when no dataflow fits the
/// memory.
SearchResult search_exactly(const OperatorTable& table);

}  // namespace bondsim::search
