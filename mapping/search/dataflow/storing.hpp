#pragma once
#include "mapping/search/dataflow/dataflow.hpp"

namespace bondsim::search {

/// Bytes the normal channels together must hold at least and may hold at most for the layer to fit, if the NMP channels are filled evenly.
struct NormalRange {
  double least = 0;
  double most = 0;
};
NormalRange normal_range(const OperatorTable& table);

/// Bytes the dataflow puts there.
double normal_bytes(const OperatorTable& table, const FoundDataflow& dataflow);

/// Moves units of split operators between NMP and normal channels, cheapest first, until the normal channels hold an allowed
/// amount; then looks for exchanges that make the layer faster. @return false when the split operators cannot make it fit.
bool fit_storing(const OperatorTable& table, FoundDataflow& dataflow);

}  // namespace bondsim::search
