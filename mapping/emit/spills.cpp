#include <algorithm>

#include "mapping/emit/block_emitter.hpp"

namespace bondsim {
namespace {

/// Whether an operator adds the layer's input, which no operator of the graph makes.
bool adds_layer_input(const OperatorGraph& graph, OperatorId v) {
  const auto residual = [&](OperatorId u) { return graph[u].kind == OperatorKind::vector && graph[u].vector == VectorKind::residual; };
  return residual(v) && std::none_of(graph.inputs(v).begin(), graph.inputs(v).end(), residual);
}

}  // namespace

bool BlockEmitter::attention_is_fused() const { return plan_.system.npu.fused_attention && phase_ == Phase::prefill; }

BlockEmitter::Tasks BlockEmitter::move_spill(TaskKind kind, int op, const Spill& spill, const Tasks& after) {
  Tasks tasks;
  if (spill.bytes == 0) return tasks;
  for (int c = 0; c < plan_.memory.channels(); ++c) {
    auto extents = in_shared(spill_extents(spill, c, plan_.spill_regions[static_cast<std::size_t>(c)], plan_.memory));
    if (!extents.empty()) tasks.push_back(transfer(kind, op, c, std::move(extents), after));
  }
  return tasks;
}

/// Reloads spilled inputs beside the operator, and spills the part of its output that does not fit.
void BlockEmitter::move_spills(const OperatorGraph& graph, OperatorId v, const Tasks& after) {
  if (block_.layer < 0) return;
  if (tokens_.residual_streams && adds_layer_input(graph, v)) {
    const Tasks loads = move_spill(TaskKind::host_load, op_index(graph[v].name), tokens_.residual, after);
    done_[v].insert(done_[v].end(), loads.begin(), loads.end());
  }
  if (tokens_.spills.empty()) return;
  const auto move = [&](TaskKind kind, const Spill& spill) {
    const Tasks tasks = move_spill(kind, op_index(graph[v].name), spill, after);
    done_[v].insert(done_[v].end(), tasks.begin(), tasks.end());
  };
  for (const OperatorId u : graph.inputs(v)) move(TaskKind::host_load, tokens_.spills[u]);
  move(TaskKind::host_scatter, tokens_.spills[v]);
}

/// The residual stream of the block's tokens, before the first operator.
void BlockEmitter::load_residual(const OperatorGraph& graph) {
  entry_ = move_spill(TaskKind::host_load, op_index(graph[level_order(graph).front()].name), tokens_.residual, {});
}

/// The same after the last operator, whose output it is.
void BlockEmitter::store_residual(const OperatorGraph& graph) {
  OperatorId last = 0;  // of those whose output nobody in the layer needs
  for (OperatorId v = 0; v < graph.size(); ++v) {
    if (graph.users(v).empty() && graph[v].kind != OperatorKind::kv_append) last = v;
  }
  move_spill(TaskKind::host_scatter, op_index(graph[last].name), tokens_.residual, done_[last]);
}

}  // namespace bondsim
