#pragma once
#include "mapping/search/dataflow/operator_table.hpp"

namespace bondsim::search {

/// Seconds no dataflow that fits the memory can beat. Any dataflow is a sequence of stages, each ending at a set of operators closed under
/// inputs: the tiers of a connected MAG, or a MAG of several MPGs as a whole. A stage of one operator takes the longer of its two parts. A
/// stage of several takes at least the sum of their NPU parts, which never overlap, and at least the sum of nmp_s * c / C, since an
/// operator on c of C NMP channels keeps c/C of them busy; so, for any a in [0, 1], the a-weighted mean of both, in which every operator
/// takes its best binding alone. The bytes of the normal channels join by a Lagrange multiplier, and the cheapest sequence of stages is a
/// shortest path.
double memory_lower_bound_s(const OperatorTable& table);

}  // namespace bondsim::search
