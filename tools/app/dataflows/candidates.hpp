#pragma once
#include <string>
#include <vector>

#include "tools/app/dataflows/study.hpp"

namespace bondsim::tools {

/// The shipped dataflows and the user's, then those of the searches; names are unique. Nothing is estimated yet. @throws ConfigError for a
/// file of the user's that is none.
std::vector<RankedDataflow> dataflow_candidates(const Experiment& experiment, const std::vector<std::string>& files);

/// Better dataflows around `from` by coordinate descent on the estimate, one operator at a time: the storing ratio of a split one, and, in
/// one without groups, who runs it.
/// @param budget estimates it may take; reduced by those it took
RankedDataflow refined_dataflow(const Experiment& experiment, const RankedDataflow& from, std::int64_t decode_samples, int& budget);

}  // namespace bondsim::tools
