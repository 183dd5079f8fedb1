#include "mapping/llm/graph.hpp"

// The adjacency of std::vector has to be known before the algorithms that use it.
#include <boost/graph/vector_as_graph.hpp>

#include <boost/graph/topological_sort.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>

namespace bondsim {
namespace {

class GraphBuilder {
 public:
  OperatorId gemm(const std::string& name, std::int64_t k, std::int64_t n, const std::vector<OperatorId>& inputs) {
    Operator op;
    op.name = name;
    op.kind = OperatorKind::weight_gemm;
    op.k = k;
    op.n = n;
    op.ffn = ffn;
    return add(op, inputs);
  }
  OperatorId attention(const std::string& name, OperatorKind kind, const std::vector<OperatorId>& inputs) {
    Operator op;
    op.name = name;
    op.kind = kind;
    return add(op, inputs);
  }
  OperatorId append(const std::string& name, bool keys, const std::vector<OperatorId>& inputs) {
    Operator op;
    op.name = name;
    op.kind = OperatorKind::kv_append;
    op.keys = keys;
    return add(op, inputs);
  }
  OperatorId vector(const std::string& name, VectorKind kind, std::int64_t elements_per_token, const std::vector<OperatorId>& inputs) {
    Operator op;
    op.name = name;
    op.vector = kind;
    op.elements_per_token = elements_per_token;
    op.per_context = per_context;
    return add(op, inputs);
  }
  OperatorGraph take() { return std::move(graph_); }

  // Set for what is added from now on.
  bool ffn = false;
  int expert = -1;
  bool per_context = false;

 private:
  OperatorId add(Operator op, const std::vector<OperatorId>& inputs) {
    op.expert = expert;
    if (expert >= 0) op.name = fmt::format("e{}.{}", expert, op.name);
    return graph_.add(std::move(op), inputs);
  }
  OperatorGraph graph_;
};

OperatorId add_attention(GraphBuilder& b, const Model& m, OperatorId input) {
  OperatorId q = b.gemm("q", m.hidden, m.query_columns(), {input});
  OperatorId k = b.gemm("k", m.hidden, m.kv_columns(), {input});
  const OperatorId v = b.gemm("v", m.hidden, m.kv_columns(), {input});
  if (m.qk_norm) {
    q = b.vector("norm_q", VectorKind::norm, m.query_columns(), {q});
    k = b.vector("norm_k", VectorKind::norm, m.kv_columns(), {k});
  }
  if (m.position == PositionKind::rotary) {
    const auto rotated = [&](std::int64_t columns) {
      return static_cast<std::int64_t>(std::llround(m.rotary_fraction * static_cast<double>(columns)));
    };
    q = b.vector("rotary_q", VectorKind::rotary, rotated(m.query_columns()), {q});
    k = b.vector("rotary_k", VectorKind::rotary, rotated(m.kv_columns()), {k});
  }
  const OperatorId k_append = b.append("k_append", true, {k});
  const OperatorId v_append = b.append("v_append", false, {v});
  const OperatorId qk = b.attention("qk", OperatorKind::score_gemm, {q, k_append});
  b.per_context = true;
  const OperatorId softmax = b.vector("softmax", VectorKind::softmax, m.query_heads, {qk});
  b.per_context = false;
  const OperatorId sv = b.attention("sv", OperatorKind::value_gemm, {softmax, v_append});
  return b.gemm("o", m.query_columns(), m.hidden, {sv});
}

OperatorId add_expert(GraphBuilder& b, const Model& m, OperatorId input) {
  std::vector<OperatorId> inner = {b.gemm("f1", m.hidden, m.intermediate, {input})};
  if (m.gated_ffn) inner.push_back(b.gemm("f3", m.hidden, m.intermediate, {input}));
  const OperatorId activation = b.vector("activation", VectorKind::activation, m.intermediate, inner);
  return b.gemm("f2", m.intermediate, m.hidden, {activation});
}

OperatorId add_ffn(GraphBuilder& b, const Model& m, OperatorId input) {
  b.ffn = true;
  if (!m.moe) return add_expert(b, m, input);
  const OperatorId router = b.gemm("router", m.hidden, m.moe->experts, {input});
  const OperatorId routing = b.vector("routing", VectorKind::softmax, m.moe->experts, {router});
  std::vector<OperatorId> outputs;
  for (int e = 0; e < m.moe->experts; ++e) {
    b.expert = e;
    outputs.push_back(add_expert(b, m, routing));
  }
  b.expert = -1;
  return b.vector("combine", VectorKind::reduce, m.moe->top_k * m.hidden, outputs);
}

}  // namespace

OperatorId OperatorGraph::add(Operator op, const std::vector<OperatorId>& inputs) {
  const OperatorId id = operators_.size();
  for (const OperatorId input : inputs) check(input < id, "{} needs operator {} of {}", op.name, input, id);
  operators_.push_back(std::move(op));
  inputs_.push_back(inputs);
  users_.emplace_back();
  for (const OperatorId input : inputs) users_[input].push_back(id);
  return id;
}

std::vector<std::pair<OperatorId, OperatorId>> OperatorGraph::edges() const {
  std::vector<std::pair<OperatorId, OperatorId>> list;
  for (OperatorId v = 0; v < size(); ++v) {
    for (const OperatorId input : inputs_[v]) list.emplace_back(input, v);
  }
  return list;
}

OperandBits operand_bits(const Model& model, const Operator& gemm) {
  const ElementBits& bits = model.bits;
  const OperandFormat& stationary = gemm.kind == OperatorKind::weight_gemm ? bits.weight : bits.kv;
  return {bits.activation.of(gemm.name), stationary.of(gemm.name), bits.output.of(gemm.name), bits.accumulator.of(gemm.name)};
}

OperatorGraph layer_graph(const Model& m) {
  GraphBuilder b;
  const OperatorId norm = b.vector("norm", VectorKind::norm, m.hidden, {});
  OperatorId o = add_attention(b, m, norm);
  if (m.parallel_block) {
    const OperatorId f2 = add_ffn(b, m, norm);
    b.vector("residual", VectorKind::residual, 2 * m.hidden, {o, f2});
    return b.take();
  }
  if (m.post_norms) o = b.vector("post_norm_attention", VectorKind::norm, m.hidden, {o});
  const OperatorId residual = b.vector("residual_attention", VectorKind::residual, m.hidden, {o});
  const OperatorId norm_ffn = b.vector("norm_ffn", VectorKind::norm, m.hidden, {residual});
  OperatorId f2 = add_ffn(b, m, norm_ffn);
  if (m.post_norms) f2 = b.vector("post_norm_ffn", VectorKind::norm, m.hidden, {f2});
  b.vector("residual_ffn", VectorKind::residual, m.hidden, {residual, f2});
  return b.take();
}

OperatorGraph head_graph(const Model& m) {
  GraphBuilder b;
  const OperatorId norm = b.vector("final_norm", VectorKind::norm, m.hidden, {});
  b.gemm("lm_head", m.hidden, m.vocab, {norm});
  return b.take();
}

std::vector<std::pair<std::string, std::string>> gemm_edges(const OperatorGraph& graph) {
  // sources[v]: GEMMs whose result reaches v without passing another GEMM.
  std::vector<std::set<OperatorId>> sources(graph.size());
  std::vector<std::pair<std::string, std::string>> edges;
  for (const OperatorId v : level_order(graph)) {
    for (const OperatorId u : graph.inputs(v)) {
      if (graph[u].is_gemm()) {
        sources[v].insert(u);
      } else {
        sources[v].insert(sources[u].begin(), sources[u].end());
      }
    }
    if (!graph[v].is_gemm()) continue;
    for (const OperatorId u : sources[v]) edges.emplace_back(graph[u].name, graph[v].name);
  }
  std::sort(edges.begin(), edges.end());
  return edges;
}

std::vector<OperatorId> level_order(const OperatorGraph& graph) {
  std::vector<OperatorId> sorted;
  boost::topological_sort(graph.adjacency(), std::back_inserter(sorted), boost::vertex_index_map(boost::identity_property_map()));
  std::reverse(sorted.begin(), sorted.end());
  std::vector<int> level(graph.size(), 0);
  for (const OperatorId v : sorted) {
    for (const OperatorId u : graph.inputs(v)) level[v] = std::max(level[v], level[u] + 1);
  }
  std::sort(sorted.begin(), sorted.end(),
            [&](OperatorId a, OperatorId b) { return std::make_pair(level[a], a) < std::make_pair(level[b], b); });
  return sorted;
}

std::vector<std::string> gemm_names(const OperatorGraph& graph) {
  std::vector<std::string> names;
  for (OperatorId v = 0; v < graph.size(); ++v) {
    if (graph[v].is_gemm()) names.push_back(graph[v].name);
  }
  return names;
}

std::int64_t weight_elements(const OperatorGraph& graph) {
  std::int64_t sum = 0;
  for (OperatorId v = 0; v < graph.size(); ++v) {
    if (graph[v].kind == OperatorKind::weight_gemm) sum += graph[v].n * graph[v].k;
  }
  return sum;
}

}  // namespace bondsim
