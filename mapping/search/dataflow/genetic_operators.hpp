#pragma once
#include <random>

#include "mapping/search/dataflow/dataflow.hpp"

namespace bondsim::search {

/// Random changes of dataflows for the genetic search. Every dataflow returned obeys all rules but the memory's.
class GeneticOperators {
 public:
  GeneticOperators(const OperatorTable& table, std::uint64_t seed) : table_(table), random_(seed) {}

  Dataflow random_dataflow();
  /// One of the five mutations; the parent itself when none of a few tries gave a valid child.
  Dataflow mutated(const Dataflow& parent);
  /// The MAGs of `first` up to a cut, and the rest as in `second`; `first` itself when they do not join.
  Dataflow crossed(const Dataflow& first, const Dataflow& second);
  /// Uniform in [0, count).
  int pick(int count) { return static_cast<int>(random_() % static_cast<std::uint64_t>(count)); }

 private:
  void change_cut(Dataflow& d);
  void change_group_channels(Dataflow& d);
  void change_tier(Dataflow& d);
  void change_operator_channels(Dataflow& d);
  void change_ratio(Dataflow& d);
  void randomize_binding(Placement& p, int op);
  void set_mask(Placement& p, int op, std::uint64_t mask);
  std::uint64_t all_nmp() const { return (std::uint64_t{1} << table_.nmp_channels()) - 1; }

  const OperatorTable& table_;
  std::mt19937_64 random_;
};

/// Numbers MAGs and tiers from 0 without gaps.
void renumber(const SearchProblem& problem, Dataflow& dataflow);

}  // namespace bondsim::search
