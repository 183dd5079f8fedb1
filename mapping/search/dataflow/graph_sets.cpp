#include "mapping/search/dataflow/graph_sets.hpp"

#include <algorithm>

#include "models/base/error.hpp"

namespace bondsim::search {

GraphSets::GraphSets(int operators, const std::vector<std::pair<int, int>>& edges)
    : operators_(operators), inputs_(static_cast<std::size_t>(operators)), outputs_(static_cast<std::size_t>(operators)) {
  check(operators >= 1 && operators <= 24, "{} operators in one layer", operators);
  for (const auto& [from, to] : edges) {
    check(0 <= from && from < to && to < operators, "edge {} -> {} among {} operators", from, to, operators);
    inputs_[static_cast<std::size_t>(to)] |= OperatorSet{1} << from;
    outputs_[static_cast<std::size_t>(from)] |= OperatorSet{1} << to;
  }
  // Operator i joins the closed sets of operators below i that hold its inputs: each closed set is made once.
  closed_ = {0};
  for (int i = 0; i < operators; ++i) {
    const std::size_t before = closed_.size();
    for (std::size_t s = 0; s < before; ++s) {
      const OperatorSet inputs = inputs_[static_cast<std::size_t>(i)];
      if ((closed_[s] & inputs) == inputs) closed_.push_back(closed_[s] | OperatorSet{1} << i);
    }
  }
  std::sort(closed_.begin(), closed_.end(), [](OperatorSet a, OperatorSet b) {
    const int x = __builtin_popcount(a);
    const int y = __builtin_popcount(b);
    return x != y ? x < y : a < b;
  });
}

OperatorSet GraphSets::last_of(OperatorSet set) const {
  OperatorSet last = 0;
  for (int i = 0; i < operators_; ++i) {
    if ((set >> i & 1) != 0 && (outputs_[static_cast<std::size_t>(i)] & set) == 0) last |= OperatorSet{1} << i;
  }
  return last;
}

std::vector<OperatorSet> GraphSets::components(OperatorSet set) const {
  std::vector<OperatorSet> parts;
  for (OperatorSet rest = set; rest != 0;) {
    OperatorSet part = rest & (~rest + 1);
    for (OperatorSet grown = 0; grown != part;) {
      grown = part;
      for (int i = 0; i < operators_; ++i) {
        if ((part >> i & 1) != 0) part |= (inputs_[static_cast<std::size_t>(i)] | outputs_[static_cast<std::size_t>(i)]) & set;
      }
    }
    parts.push_back(part);
    rest &= ~part;
  }
  return parts;
}

}  // namespace bondsim::search
