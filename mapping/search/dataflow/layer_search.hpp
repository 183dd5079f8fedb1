#pragma once
#include <map>
#include <vector>

#include "mapping/search/dataflow/dataflow.hpp"
#include "mapping/search/dataflow/tier_solver.hpp"

namespace bondsim::search {

/// The dynamic program over cuts of the layer's graph: tiers make MPGs, MPGs side by side make MAGs, MAGs in turn make the layer. Channels
/// are counted, not named. One object is one run under one pricing.
class LayerSearch {
 public:
  LayerSearch(const OperatorTable& table, Pricing pricing);

  struct Candidate {
    double cost_s = 0;              ///< of the layer, the price of memory included
    std::int64_t normal_bytes = 0;  ///< Mode::accounted: in the normal channels
  };
  /// Best first. One candidate, or in Mode::accounted one for each amount of bytes.
  std::vector<Candidate> run();

  /// The dataflow of the candidate with this account, without channel masks.
  FoundDataflow dataflow(std::int64_t normal_bytes) const;

 private:
  /// Best way to run a closed set of operators to its end.
  struct Prefix {
    double cost_s;
    OperatorSet before;  ///< closed set before the last MAG
    std::int64_t before_bytes;
    int node;  ///< last MAG
  };
  using Prefixes = std::map<std::int64_t, Prefix>;

  const Front& in_tiers(OperatorSet group, int nmp, bool normal);
  const Front& access_group(OperatorSet mag);
  Front side_by_side(const std::vector<OperatorSet>& groups);
  void extend(OperatorSet before, OperatorSet closed);
  void place(int node, int mag, FoundDataflow& dataflow) const;
  int place_tiers(int node, int mag, FoundDataflow& dataflow) const;

  const OperatorTable& table_;
  GraphSets sets_;
  Trail trail_;
  TierSolver tiers_;
  std::map<std::pair<OperatorSet, int>, Front> groups_;
  std::map<OperatorSet, Front> mags_;
  std::map<OperatorSet, Prefixes> prefixes_;
};

}  // namespace bondsim::search
