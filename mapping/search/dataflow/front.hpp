#pragma once
#include <cstdint>
#include <map>
#include <vector>

#include "mapping/search/dataflow/graph_sets.hpp"
#include "mapping/search/dataflow/operator_table.hpp"

namespace bondsim::search {

/// How the search keeps account of what lies in the normal channels.
struct Pricing {
  enum class Mode {
    free,      ///< not at all: memory is taken to be large enough
    priced,    ///< a byte in the normal channels costs `price_s_per_byte` (negative: pays)
    accounted  ///< exactly: only dataflows with the same number of such bytes are compared
  };
  Mode mode = Mode::free;
  double price_s_per_byte = 0;
  bool whole_width = false;  ///< operators use all NMP channels or none: every channel then holds the same
};

/// A partial dataflow: seconds of all its prefill operators (plus the price of its memory), seconds of its part of the decode of all
/// tokens. `a` and `b` say what it is made of.
struct Label {
  double prefill_s = 0;
  double decode_s = 0;
  std::int64_t normal_bytes = 0;  ///< Mode::accounted only
  int a = -1;
  int b = -1;
};

/// How the labels that survived were made, so that a dataflow can be read back.
class Trail {
 public:
  enum class Kind { tier, after, beside };
  struct Node {
    Kind kind;
    int a;            ///< tier: first binding; otherwise a node
    int b;            ///< a node
    OperatorSet set;  ///< tier: its operators
  };
  int add(Node node) {
    nodes_.push_back(node);
    return static_cast<int>(nodes_.size()) - 1;
  }
  int add_bindings(const std::vector<Allotment>& bindings) {
    bindings_.insert(bindings_.end(), bindings.begin(), bindings.end());
    return static_cast<int>(bindings_.size() - bindings.size());
  }
  const Node& node(int i) const { return nodes_[static_cast<std::size_t>(i)]; }
  const Allotment& binding(int i) const { return bindings_[static_cast<std::size_t>(i)]; }

 private:
  std::vector<Node> nodes_;
  std::vector<Allotment> bindings_;
};

/// Labels none of which is beaten in both times by another with the same account: by account, decode rising, prefill falling.
/// The member `a` of a label in a front is its node in the trail.
using Front = std::vector<Label>;

/// Removes the beaten labels and sorts the rest; of equal ones the first stays.
void keep_undominated(std::vector<Label>& labels);

/// One after the other: every pair of labels, both times added.
std::vector<Label> pairs_in_turn(const Front& first, const Front& second);

/// Side by side: prefill adds, decode is the slower one.
std::vector<Label> pairs_beside(const Front& first, const Front& second);

/// Turns labels whose a and b are labels' nodes into a front.
Front settled(std::vector<Label> labels, Trail::Kind kind, Trail& trail);

}  // namespace bondsim::search
