#pragma once
#include <string>

#include "mapping/search/dataflow/dataflow.hpp"

namespace bondsim::search {

/// The dataflow as a file of `schema: bondsim.dataflow/1`, which a run can be given. Channels of a MAG that no operator needs go to its
/// first partition: a MAG has all channels. The LM head, which a layer's search does not see, is spread over everything.
std::string to_dataflow_file(const OperatorTable& table, const Dataflow& dataflow, const std::string& name, const std::string& comment);

}  // namespace bondsim::search
