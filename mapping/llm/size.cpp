#include "mapping/llm/size.hpp"

#include <algorithm>

#include "mapping/llm/graph.hpp"

namespace bondsim {
namespace {

std::int64_t when(bool yes, std::int64_t elements) { return yes ? elements : 0; }

/// Elements of norms, biases and sinks of all layers and the head.
std::int64_t vector_parameters(const Model& m) {
  const std::int64_t norm = m.norm_bias ? 2 * m.hidden : m.hidden;
  const std::int64_t before = m.parallel_block && !m.second_norm ? 1 : 2;
  std::int64_t layer = norm * ((m.pre_norms ? before : 0) + (m.post_norms ? 2 : 0));
  layer += when(m.qk_norm, m.qk_norm_whole ? m.query_columns() + m.kv_columns() : 2 * m.head_dim);
  layer += when(m.attention_sinks, m.query_heads);
  if (m.mla) layer += m.mla->q_rank + m.mla->kv_rank;
  return layer * m.layers + norm + when(m.biases.lm_head, m.vocab);
}

std::int64_t bias_parameters(const Model& m, const Operator& op) {
  const bool qkv = op.name == "q" || op.name == "k" || op.name == "v";
  if (op.name == "lm_head") return 0;
  return when(qkv ? m.biases.qkv : op.name == "o" ? m.biases.o : op.ffn && m.biases.ffn, op.n);
}

}  // namespace

ModelSize model_size(const Model& m) {
  ModelSize size;
  constexpr int vector_bytes = 2;
  std::int64_t vectors = vector_parameters(m);
  const std::int64_t table = m.vocab * m.hidden;
  const bool learned = m.position == PositionKind::learned;
  size.parameters = table + when(learned, m.max_context * m.hidden);
  size.weight_bytes = bytes_of(table, m.bits.weight.of("embedding")) + when(learned, vector_bytes * m.max_context * m.hidden);
  const auto add = [&](const Operator& op, std::int64_t layers, std::int64_t stored) {
    if (op.kind != OperatorKind::weight_gemm) return;
    const bool experts = op.expert >= 0;
    size.parameters += stored * op.n * op.k;
    size.weight_bytes += stored * bytes_of(op.n * op.k, operand_bits(m, op).stationary);
    // Each of the experts does top_k / experts of a token's work.
    if (!experts || op.expert < m.moe->top_k) size.macs_per_token += layers * op.n * op.k;
    vectors += stored * bias_parameters(m, op);
  };
  const OperatorGraph layer = layer_graph(m), head = head_graph(m);
  for (OperatorId v = 0; v < layer.size(); ++v) add(layer[v], layers_with(m, layer[v]), layers_with(m, layer[v]));
  for (OperatorId v = 0; v < head.size(); ++v) add(head[v], 1, m.tied_embeddings ? 0 : 1);
  if (m.moe && m.moe->shared_gate) vectors += m.hidden * (m.layers - m.dense_layers());
  size.parameters += vectors;
  size.weight_bytes += vector_bytes * vectors;
  for (OperatorId v = 0; v < layer.size(); ++v) {
    const Operator& op = layer[v];
    if (op.kind != OperatorKind::score_gemm && op.kind != OperatorKind::value_gemm) continue;
    const std::int64_t dim = op.kind == OperatorKind::score_gemm ? op.heads.key_dim : op.heads.value_dim;
    const std::int64_t bytes = op.in_keys ? 0 : bytes_of(op.heads.kv_heads * dim, operand_bits(m, op).stationary);
    (op.fixed_context > 0 ? size.fixed_kv_bytes : size.kv_bytes) += m.layers * bytes * std::max<std::int64_t>(1, op.fixed_context);
    const std::int64_t macs = m.layers * op.heads.kv_heads * op.heads.queries * dim;
    (op.fixed_context > 0 ? size.macs_per_token : size.macs_per_context) += macs * std::max<std::int64_t>(1, op.fixed_context);
  }
  return size;
}

}  // namespace bondsim
