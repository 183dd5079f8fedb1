#pragma once
#include <cstdint>

#include "mapping/search/dataflow/search_result.hpp"

namespace bondsim::search {

/// Parameters of the genetic search; equal ones give equal results.
struct GeneticOptions {
  int population = 400;
  int generations = 40;
  std::uint64_t seed = 1;
  std::vector<FoundDataflow> start = {};  ///< members of the first population; the others are random
};

/// The baseline, and the search for graphs too large to solve: a population of dataflows with named channels, changed by a crossover at a
/// cut of the graph and five mutations: of the cut into MAGs, of the channels of MPGs (GCMap), of the tiers, of the channels
/// of operators (OCMap), of the storing ratios. A dataflow that does not fit the memory is worse the more it overflows.
/// The same options find the same dataflow. `optimal` is never set. @throws InfeasibleError when nothing fits.
SearchResult search_genetically(const OperatorTable& table, const GeneticOptions& options);

}  // namespace bondsim::search
