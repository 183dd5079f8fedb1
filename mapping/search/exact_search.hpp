#pragma once
#include <functional>

#include "mapping/search/dataflow.hpp"

namespace bondsim::search {

/// What a search found.
struct SearchResult {
  Dataflow dataflow;  ///< with channel masks, valid and within the memory
  cost::LayerLatency latency;
  bool optimal = false;      ///< proved: no dataflow of the space that fits the memory is faster
  double lower_bound_s = 0;  ///< no dataflow is faster, memory or not
};

/// The fastest dataflow, exactly when the memory does not bind or the storing choices are few; otherwise the best of a search over
/// prices of memory, with the bound. README.md says why. @throws InfeasibleError when no dataflow fits the memory.
SearchResult search_exactly(const OperatorTable& table);

}  // namespace bondsim::search
