#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "mapping/search/dataflow/operator_table.hpp"

namespace bondsim::search {

/// A number of an operator or channel as an index.
constexpr std::size_t at(int number) { return static_cast<std::size_t>(number); }

/// Where one operator stands in a data-centric dataflow (H2-LLM, ISCA'25, doi 10.1145/3695053.3731008).
struct Placement {
  int mag = 0;   ///< memory access group: groups run one after the other
  int tier = 0;  ///< inside its memory partition group (the weakly connected part of the MAG): tiers run one after the other
  Allotment binding;
  std::uint64_t nmp_mask = 0;  ///< which NMP channels; bit c is channel c. 0 until channels are assigned
};

/// A dataflow: one placement an operator, in the operators' order.
using FoundDataflow = std::vector<Placement>;

/// For each operator, the number of its memory partition group: connected operators of one MAG share a number.
std::vector<int> partition_groups(const SearchProblem& problem, const FoundDataflow& dataflow);

/// Seconds of one layer. The dataflow must be valid (see `fault_of`).
///   decode: tier = max(slowest NMP part, sum of NPU parts); MPG = sum of tiers; MAG = slowest MPG; layer = sum of MAGs; times generated
///   tokens prefill: every operator on the NPU with the channels it is bound to; sum
cost::LayerLatency evaluate(const OperatorTable& table, const FoundDataflow& dataflow);

/// The same when the groups are known already: what a search calls many times.
cost::LayerLatency evaluate(const OperatorTable& table, const FoundDataflow& dataflow, const std::vector<int>& groups);

/// Why the dataflow is not one: order, bindings, channels used twice at a time; empty when all is well. Needs channel masks.
std::string structure_fault(const OperatorTable& table, const FoundDataflow& dataflow);

/// The same, or where it does not fit the memory.
std::string fault_of(const OperatorTable& table, const FoundDataflow& dataflow);

/// Bytes in each NMP channel, then those of the normal channels together.
std::vector<double> stored_bytes(const OperatorTable& table, const FoundDataflow& dataflow);

/// The storing ratio of a split operator: int(units x ratio) is its number of units on the NMP channels.
double storing_ratio(const OperatorTable& table, int op, const Allotment& binding);

/// One line, for CSV cells and logs: MAGs by " | ", MPGs of a MAG by " || ", tiers by " > ", operators of a tier by " + "; an operator is
/// name[NMP channels as numbers, n for the normal ones, units on NMP / units], e.g. `q[0-5,n,3967/4096]`.
std::string to_text(const OperatorTable& table, const FoundDataflow& dataflow);

}  // namespace bondsim::search
