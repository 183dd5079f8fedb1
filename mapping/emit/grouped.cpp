#include <algorithm>

#include "mapping/emit/block_emitter.hpp"

namespace bondsim {

void BlockEmitter::emit_ready(const OperatorGraph& graph) {
  for (const OperatorId v : level_order(graph)) {
    if (emitted_[v] || graph[v].is_gemm()) continue;
    const auto& inputs = graph.inputs(v);
    if (std::all_of(inputs.begin(), inputs.end(), [&](OperatorId u) { return emitted_[u]; })) emit(graph, v);
  }
}

BlockEmitter::Tasks BlockEmitter::tier(const OperatorGraph& graph, const std::vector<std::string>& names) {
  tier_ = &names;
  Tasks done;
  for (const OperatorId v : level_order(graph)) {
    if (std::find(names.begin(), names.end(), graph[v].name) == names.end()) continue;
    emit(graph, v);
    done.insert(done.end(), done_[v].begin(), done_[v].end());
  }
  sync_.clear();
  emit_ready(graph);
  tier_ = nullptr;
  return done;
}

void BlockEmitter::grouped(const OperatorGraph& graph, const std::vector<AccessGroup>& groups) {
  start(graph);
  emit_ready(graph);
  Tasks group_done;
  for (const AccessGroup& group : groups) {
    std::vector<Tasks> before(group.partitions.size(), group_done);
    std::size_t tiers = 0;
    for (const Partition& p : group.partitions) tiers = std::max(tiers, p.tiers.size());
    for (std::size_t t = 0; t < tiers; ++t) {
      Tasks step;
      for (std::size_t i = 0; i < group.partitions.size(); ++i) {
        const Partition& p = group.partitions[i];
        if (t >= p.tiers.size()) continue;
        first_unit_ = p.first_unit;
        units_ = p.units;
        sync_ = before[i];
        before[i] = tier(graph, p.tiers[t]);
        step.insert(step.end(), before[i].begin(), before[i].end());
      }
      // Partitions without vector units of their own go tier by tier together.
      if (group.tiers_in_step) before.assign(before.size(), step);
    }
    group_done.clear();
    for (const Tasks& last : before) group_done.insert(group_done.end(), last.begin(), last.end());
    std::sort(group_done.begin(), group_done.end());
    group_done.erase(std::unique(group_done.begin(), group_done.end()), group_done.end());
  }
  first_unit_ = 0;
  units_ = 0;
  emit_ready(graph);
  write_caches(graph);
}

}  // namespace bondsim
