#include "mapping/search/dataflow/problem.hpp"

namespace bondsim::search {

SearchProblem make_problem(const cost::Layer& layer, const cost::LayerDevice& device, BindingRule rule, const cost::CostModel& model) {
  SearchProblem problem;
  for (const auto& op : layer.operators) {
    problem.operators.push_back({op.name, op.prefill, op.decode, op.stationary_bytes * static_cast<double>(layer.shape.layers)});
  }
  problem.edges = layer.edges;
  problem.generated_tokens = static_cast<double>(layer.request.generated_tokens);
  problem.element_bytes = cost::published_element_bytes;
  problem.device = device;
  problem.channel_capacity_bytes = published_channel_bytes;
  problem.rule = rule;
  problem.model = &model;
  return problem;
}

}  // namespace bondsim::search
