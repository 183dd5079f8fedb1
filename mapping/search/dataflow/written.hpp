#pragma once
#include <string>

#include "mapping/dataflow/dataflow.hpp"
#include "mapping/search/dataflow/dataflow.hpp"

namespace bondsim::search {

/// A found dataflow as a written one, which a run takes and to_file() writes. Channels of a MAG that no operator needs go to its first
/// partition: a MAG has all channels. Experts take their turns: tier after tier where the router is in their MAG, otherwise each in a MAG
/// of its own, since experts that nothing connects would be partitions side by side.
/// @param head rule of the LM head, which a layer's search does not see: see head_rule()
Dataflow written_dataflow(const OperatorTable& table, const FoundDataflow& found, const std::string& name, const OperatorRule& head);

/// The LM head spread over everything, both sides in proportion to their peak bandwidths.
OperatorRule balanced_head_rule(const OperatorTable& table);
/// The LM head by its own table (head_problem): the binding of the shortest step that fits the memory.
OperatorRule best_head_rule(const OperatorTable& head);
/// The same as an allotment: all NMP channels, the normal ones, or both.
Allotment best_head_allotment(const OperatorTable& head);

}  // namespace bondsim::search
