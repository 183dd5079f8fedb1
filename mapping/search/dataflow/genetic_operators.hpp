#pragma once
#include <random>

#include "mapping/search/dataflow/dataflow.hpp"

namespace bondsim::search {

/// Random changes of dataflows for the genetic search. Every dataflow returned obeys all rules but the memory's.
class GeneticOperators {
 public:
  GeneticOperators(const OperatorTable& table, std::uint64_t seed) : table_(table), random_(seed) {}

  FoundDataflow random_dataflow();
  /// One of the five mutations; the parent itself when none of a few tries gave a valid child.
  FoundDataflow mutated(const FoundDataflow& parent);
  /// The MAGs of `first` up to a cut, and the rest as in `second`; `first` itself when they do not join.
  FoundDataflow crossed(const FoundDataflow& first, const FoundDataflow& second);
  /// Uniform in [0, count).
  int pick(int count) { return static_cast<int>(random_() % static_cast<std::uint64_t>(count)); }

 private:
  void change_cut(FoundDataflow& d);
  void change_group_channels(FoundDataflow& d);
  void change_tier(FoundDataflow& d);
  void change_operator_channels(FoundDataflow& d);
  void change_ratio(FoundDataflow& d);
  void randomize_binding(Placement& p, int op);
  void set_mask(Placement& p, int op, std::uint64_t mask);
  std::uint64_t all_nmp() const { return (std::uint64_t{1} << table_.nmp_channels()) - 1; }

  const OperatorTable& table_;
  std::mt19937_64 random_;
};

/// Numbers MAGs and tiers from 0 without gaps.
void renumber(const SearchProblem& problem, FoundDataflow& dataflow);

}  // namespace bondsim::search
