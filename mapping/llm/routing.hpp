#pragma once
#include <memory>
#include <string>

#include "mapping/llm/model.hpp"

namespace bondsim {

/// Reads a routing trace: CSV with the columns layer, step, token, experts; `experts` is a list with semicolons, top_k different ones.
/// Layer -1 stands for every layer. @param directory that trace_file is relative to
/// @throws ConfigError with the line
std::shared_ptr<const RoutingTrace> read_routing_trace(const std::string& directory, const MoeConfig& moe);

/// Chance that a token goes to each expert; they sum to top_k. Drawing without replacement in proportion to weights is a race of
/// exponential clocks: the chance is 1 - exp(-weight t) at the t at which top_k have rung on average.
std::vector<double> expert_chances(const MoeConfig& moe);

/// Experts of a token, ascending. A step or token that a trace lacks is taken from its begin again, modulo what it has.
std::vector<int> routed_experts(const MoeConfig& moe, int layer, std::int64_t step, std::int64_t token);

}  // namespace bondsim
