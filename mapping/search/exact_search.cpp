#include "mapping/search/exact_search.hpp"

#include <algorithm>
#include <cmath>

#include "mapping/search/channel_assignment.hpp"
#include "mapping/search/layer_search.hpp"

namespace bondsim::search {

SearchResult search_exactly(const OperatorTable& table) {
  SearchResult result;
  LayerSearch free_search(table, {});
  result.lower_bound_s = free_search.run().front().cost_s;
  result.dataflow = free_search.dataflow(0);
  if (assign_channels(table, result.dataflow)) {
    result.optimal = true;
  }
  result.latency = evaluate(table, result.dataflow);
  return result;
}

}  // namespace bondsim::search
