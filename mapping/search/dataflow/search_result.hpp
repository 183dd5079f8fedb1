#pragma once
#include "mapping/search/dataflow/dataflow.hpp"

namespace bondsim::search {

/// Result of a search.
struct SearchResult {
  FoundDataflow dataflow;  ///< with channel masks, valid and within the memory
  cost::LayerLatency latency;
  bool optimal = false;      ///< proved: no dataflow of the space that fits the memory is faster
  double lower_bound_s = 0;  ///< no dataflow is faster, memory or not
};

}  // namespace bondsim::search
