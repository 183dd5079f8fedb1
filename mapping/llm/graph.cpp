#include "mapping/llm/graph.hpp"

#include "mapping/llm/graph_file.hpp"

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
  OperatorId attention(const std::string& name, OperatorKind kind, const HeadShape& heads, const std::vector<OperatorId>& inputs) {
    Operator op;
    op.name = name;
    op.kind = kind;
    op.heads = heads;
    op.in_keys = in_keys && kind == OperatorKind::value_gemm;
    return add(op, inputs);
  }
  OperatorId append(const std::string& name, bool keys, const std::vector<OperatorId>& inputs) {
    Operator op;
    op.name = name;
    op.kind = OperatorKind::kv_append;
    op.keys = keys;
    op.cache = keys ? "qk" : "sv";
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
  bool in_keys = false;
  LayerPart part = LayerPart::every;

 private:
  OperatorId add(Operator op, const std::vector<OperatorId>& inputs) {
    op.expert = expert;
    op.part = part;
    if (expert >= 0) op.name = fmt::format("e{}.{}", expert, op.name);
    return graph_.add(std::move(op), inputs);
  }
  OperatorGraph graph_;
};

std::int64_t rotated(const Model& m, std::int64_t columns) {
  return static_cast<std::int64_t>(std::llround(m.rotary_fraction * static_cast<double>(columns)));
}

/// Scores, softmax and values. @return what attention gives
OperatorId add_products(GraphBuilder& b, const Model& m, OperatorId q, OperatorId k_append, OperatorId v_append) {
  const OperatorId qk = b.attention("qk", OperatorKind::score_gemm, head_shape(m), {q, k_append});
  b.per_context = true;
  const OperatorId softmax = b.vector("softmax", VectorKind::softmax, m.query_heads, {qk});
  b.per_context = false;
  return b.attention("sv", OperatorKind::value_gemm, head_shape(m), {softmax, v_append});
}

/// Multi-head latent attention. `k_up` and `v_up` apply the up-projection of each head to what is its own: [nope, heads * rank] and
/// [rank, heads * v] as matrices, of which a head takes its columns.
OperatorId add_latent_attention(GraphBuilder& b, const Model& m, OperatorId input) {
  const MlaConfig& mla = *m.mla;
  const std::int64_t heads = m.query_heads, whole = heads * (mla.nope_dim + mla.rope_dim);
  OperatorId from = input;
  if (mla.q_rank > 0) from = b.vector("norm_q", VectorKind::norm, mla.q_rank, {b.gemm("q_down", m.hidden, mla.q_rank, {input})});
  OperatorId q = b.gemm("q", mla.q_rank > 0 ? mla.q_rank : m.hidden, whole, {from});
  const OperatorId latent =
      b.vector("norm_kv", VectorKind::norm, mla.kv_rank, {b.gemm("kv_down", m.hidden, mla.kv_rank + mla.rope_dim, {input})});
  if (mla.absorbed) q = b.gemm("k_up", mla.nope_dim, heads * mla.kv_rank, {q});
  q = b.vector("rotary_q", VectorKind::rotary, heads * mla.rope_dim, {q});
  OperatorId k = b.vector("rotary_k", VectorKind::rotary, mla.rope_dim, {latent});
  OperatorId v = latent;
  if (!mla.absorbed) {
    k = b.gemm("k_up", mla.kv_rank, heads * mla.nope_dim, {k});
    v = b.gemm("v_up", mla.kv_rank, heads * mla.v_dim, {latent});
  }
  b.in_keys = mla.absorbed && !mla.value_copy;
  OperatorId out = add_products(b, m, q, b.append("k_append", true, {k}), b.append("v_append", false, {v}));
  if (mla.absorbed) out = b.gemm("v_up", mla.kv_rank, heads * mla.v_dim, {out});
  return b.gemm("o", heads * mla.v_dim, m.hidden, {out});
}

OperatorId add_attention(GraphBuilder& b, const Model& m, OperatorId input) {
  if (m.mla) return add_latent_attention(b, m, input);
  OperatorId q = b.gemm("q", m.hidden, m.query_columns(), {input});
  OperatorId k = b.gemm("k", m.hidden, m.kv_columns(), {input});
  const OperatorId v = b.gemm("v", m.hidden, m.kv_heads * m.value_dim(), {input});
  if (m.qk_norm) {
    q = b.vector("norm_q", VectorKind::norm, m.query_columns(), {q});
    k = b.vector("norm_k", VectorKind::norm, m.kv_columns(), {k});
  }
  if (m.position == PositionKind::rotary) {
    q = b.vector("rotary_q", VectorKind::rotary, rotated(m, m.query_columns()), {q});
    k = b.vector("rotary_k", VectorKind::rotary, rotated(m, m.kv_columns()), {k});
  }
  const OperatorId k_append = b.append("k_append", true, {k});
  const OperatorId v_append = b.append("v_append", false, {v});
  return b.gemm("o", m.value_columns(), m.hidden, {add_products(b, m, q, k_append, v_append)});
}

/// An FFN of its own width, or that of an expert; names begin with `prefix`.
OperatorId add_one_ffn(GraphBuilder& b, const Model& m, OperatorId input, std::int64_t width, const std::string& prefix = "") {
  std::vector<OperatorId> inner = {b.gemm(prefix + "f1", m.hidden, width, {input})};
  if (m.gated_ffn) inner.push_back(b.gemm(prefix + "f3", m.hidden, width, {input}));
  const OperatorId activation = b.vector(prefix + "activation", VectorKind::activation, width, inner);
  return b.gemm(prefix + "f2", width, m.hidden, {activation});
}

OperatorId add_experts(GraphBuilder& b, const Model& m, OperatorId input) {
  const MoeConfig& moe = *m.moe;
  const std::int64_t width = moe.intermediate > 0 ? moe.intermediate : m.intermediate;
  const OperatorId router = b.gemm("router", m.hidden, moe.experts, {input});
  const OperatorId routing = b.vector("routing", VectorKind::softmax, moe.experts, {router});
  std::vector<OperatorId> outputs;
  for (int e = 0; e < moe.experts; ++e) {
    b.expert = e;
    outputs.push_back(add_one_ffn(b, m, routing, width));
  }
  b.expert = -1;
  std::int64_t sums = moe.top_k * m.hidden;
  if (moe.shared_intermediate > 0) {
    outputs.push_back(add_one_ffn(b, m, input, moe.shared_intermediate, "shared_"));
    sums += m.hidden;
  }
  return b.vector("combine", VectorKind::reduce, sums, outputs);
}

/// @return what the FFN gives: where layers differ, of each of the two that a layer may have
std::vector<OperatorId> add_ffn(GraphBuilder& b, const Model& m, OperatorId input) {
  b.ffn = true;
  if (!m.moe) return {add_one_ffn(b, m, input, m.intermediate)};
  if (m.dense_layers() == 0) return {add_experts(b, m, input)};
  b.part = LayerPart::dense;
  const OperatorId dense = add_one_ffn(b, m, input, m.intermediate, "dense_");
  b.part = LayerPart::experts;
  const OperatorId experts = add_experts(b, m, input);
  b.part = LayerPart::every;
  return {dense, experts};
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

HeadShape head_shape(const Model& m) { return {m.kv_heads, m.queries_per_kv_head(), m.head_dim, m.value_dim()}; }

std::optional<OperatorId> scores_behind(const OperatorGraph& graph, const std::vector<OperatorId>& operators) {
  for (const OperatorId v : operators) {
    if (graph[v].kind == OperatorKind::score_gemm) return v;
    if (graph[v].kind != OperatorKind::vector) continue;
    if (const auto scores = scores_behind(graph, graph.inputs(v))) return scores;
  }
  return std::nullopt;
}

OperatorId scores_of(const OperatorGraph& graph, OperatorId values) {
  const auto scores = scores_behind(graph, graph.inputs(values));
  check(scores.has_value(), "{} has no scores", graph[values].name);
  return *scores;
}

OperandBits operand_bits(const Model& model, const Operator& gemm) {
  const ElementBits& bits = model.bits;
  const OperandFormat& stationary = gemm.kind == OperatorKind::weight_gemm ? bits.weight : bits.kv;
  return {bits.activation.of(gemm.name), stationary.of(gemm.name), bits.output.of(gemm.name), bits.accumulator.of(gemm.name)};
}

OperatorGraph layer_graph(const Model& m) {
  if (m.given) return m.given->layer;
  GraphBuilder b;
  // Without a norm before it a block reads the residual stream as it is: a vertex of no work stands for that.
  const auto norm_before = [&](const char* name, const std::vector<OperatorId>& inputs) {
    return b.vector(name, m.pre_norms ? VectorKind::norm : VectorKind::none, m.hidden, inputs);
  };
  const OperatorId norm = norm_before("norm", {});
  OperatorId o = add_attention(b, m, norm);
  if (m.parallel_block) {
    const OperatorId before_ffn = m.second_norm ? norm_before("norm_ffn", {}) : norm;
    std::vector<OperatorId> sums = add_ffn(b, m, before_ffn);
    sums.insert(sums.begin(), o);
    b.vector("residual", VectorKind::residual, 2 * m.hidden, sums);
    return b.take();
  }
  if (m.post_norms) o = b.vector("post_norm_attention", VectorKind::norm, m.hidden, {o});
  const OperatorId residual = b.vector("residual_attention", VectorKind::residual, m.hidden, {o});
  std::vector<OperatorId> f2 = add_ffn(b, m, norm_before("norm_ffn", {residual}));
  if (m.post_norms) f2 = {b.vector("post_norm_ffn", VectorKind::norm, m.hidden, f2)};
  f2.insert(f2.begin(), residual);
  b.vector("residual_ffn", VectorKind::residual, m.hidden, f2);
  return b.take();
}

OperatorGraph head_graph(const Model& m) {
  if (m.given) return m.given->head;
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

std::int64_t layers_with(const Model& model, const Operator& op) {
  if (op.part == LayerPart::every) return model.layers;
  return op.part == LayerPart::dense ? model.dense_layers() : model.layers - model.dense_layers();
}

std::int64_t weight_elements(const OperatorGraph& graph) {
  std::int64_t sum = 0;
  for (OperatorId v = 0; v < graph.size(); ++v) {
    if (graph[v].kind == OperatorKind::weight_gemm) sum += graph[v].n * graph[v].k;
  }
  return sum;
}

}  // namespace bondsim
