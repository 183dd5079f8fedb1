#include "mapping/emit/block_emitter.hpp"

namespace bondsim {

bool BlockEmitter::attention_is_fused() const { return plan_.system.npu.fused_attention && phase_ == Phase::prefill; }

void BlockEmitter::plan_spills() {
  if (!plan_.spill_regions.empty() && block_.layer >= 0) spills_ = layer_spills(plan_, batch_, block_.layer);
}

/// Reloads spilled inputs beside the operator, and spills the part of its output that does not fit.
void BlockEmitter::move_spills(const OperatorGraph& graph, OperatorId v, const Tasks& after) {
  if (spills_.empty()) return;
  const auto move = [&](TaskKind kind, const Spill& spill) {
    if (spill.bytes == 0) return;
    for (int c = 0; c < plan_.memory.channels(); ++c) {
      auto extents = in_shared(spill_extents(spill, c, plan_.spill_regions[static_cast<std::size_t>(c)], plan_.memory));
      if (!extents.empty()) done_[v].push_back(transfer(kind, op_index(graph[v].name), c, std::move(extents), after));
    }
  };
  for (const OperatorId u : graph.inputs(v)) move(TaskKind::host_load, spills_[u]);
  move(TaskKind::host_scatter, spills_[v]);
}

}  // namespace bondsim
