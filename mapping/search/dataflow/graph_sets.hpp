#pragma once
#include <cstdint>
#include <utility>
#include <vector>

namespace bondsim::search {

/// Sets of operators as bit masks: bit i is operator i.
using OperatorSet = std::uint32_t;

/// The order of a layer's operators. Edges go from lower to higher numbers.
class GraphSets {
 public:
  /// @param operators at most 24.
  GraphSets(int operators, const std::vector<std::pair<int, int>>& edges);

  int operators() const { return operators_; }
  OperatorSet all() const { return (OperatorSet{1} << operators_) - 1; }

  /// Every set that contains the inputs of all its members, smaller sets first; the first is empty, the last is everything.
  const std::vector<OperatorSet>& closed_sets() const { return closed_; }

  /// Members of `set` that no other member waits for.
  OperatorSet last_of(OperatorSet set) const;

  /// The weakly connected parts of `set`.
  std::vector<OperatorSet> components(OperatorSet set) const;

 private:
  int operators_;
  std::vector<OperatorSet> inputs_;
  std::vector<OperatorSet> outputs_;
  std::vector<OperatorSet> closed_;
};

}  // namespace bondsim::search
