#include "mapping/llm/graph_file.hpp"

#include <algorithm>
#include <map>

#include "models/base/schema.hpp"

namespace bondsim {
namespace {

const std::map<std::string, VectorKind>& vector_kinds() {
  static const std::map<std::string, VectorKind> kinds = {{"softmax", VectorKind::softmax},   {"norm", VectorKind::norm},
                                                          {"rotary", VectorKind::rotary},     {"activation", VectorKind::activation},
                                                          {"residual", VectorKind::residual}, {"reduce", VectorKind::reduce}};
  return kinds;
}

/// Builds one of the two graphs, checking each node against those before it.
class GraphReader {
 public:
  GraphReader(const ConfigNode& file, const char* key) : list_(*file.find(key)), path_(std::string("model.") + key) {}

  OperatorGraph read(const std::vector<GraphNode>& nodes) {
    for (at_ = 0; at_ < nodes.size(); ++at_) add(nodes[at_]);
    if (count(OperatorKind::score_gemm) != count(OperatorKind::value_gemm))
      fail("op", "scores and values stand together, allowed: one of each or none");
    return std::move(graph_);
  }

 private:
  [[noreturn]] void fail(const char* key, const std::string& message) const {
    const std::size_t item = std::min(at_, list_.items.size() - 1);
    config_error(list_.items[item], fmt::format("{}[{}].{}", path_, item, key), message);
  }
  int count(OperatorKind kind) const {
    int sum = 0;
    for (OperatorId v = 0; v < graph_.size(); ++v) sum += graph_[v].kind == kind;
    return sum;
  }

  void require_given(const char* key, std::int64_t value, bool wanted, const GraphNode& n) const {
    if ((value > 0) != wanted) fail(key, fmt::format("{} with op {}", wanted ? "missing, needed" : "given, left out", enum_name(n.op)));
  }

  void add(const GraphNode& n) {
    const bool plain = !n.name.empty() &&
                       std::all_of(n.name.begin(), n.name.end(), [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '.'; });
    if (!plain || ids_.count(n.name) > 0)
      fail("name", "'" + n.name + (plain ? "' is there already" : "', allowed: letters, digits, _ and ."));
    std::vector<OperatorId> inputs;
    for (const std::string& input : n.inputs) {
      const auto known = ids_.find(input);
      if (known == ids_.end()) fail("inputs", "'" + input + "' is no node before '" + n.name + "'");
      inputs.push_back(known->second);
    }
    const bool gemm = n.op == NodeKind::gemm, vector = n.op == NodeKind::vector;
    require_given("k", n.k, gemm, n);
    require_given("n", n.n, gemm, n);
    Operator op;
    op.name = n.name;
    op.n = n.n;
    op.k = n.k;
    op.per_request = n.rows == NodeRows::batch;
    if (vector) {
      const auto kind = vector_kinds().find(n.kind);
      if (kind == vector_kinds().end())
        fail("kind", "'" + n.kind + "' is no vector work, allowed: softmax, norm, rotary, activation, residual, reduce");
      if ((n.per_token > 0) == (n.per_context > 0)) fail("per_token", "allowed: one of per_token and per_context");
      op.vector = kind->second;
      op.per_context = n.per_context > 0;
      op.elements_per_token = std::max(n.per_token, n.per_context);
    } else {
      require_given("per_token", std::max(n.per_token, n.per_context), false, n);
    }
    op.kind = gemm ? OperatorKind::weight_gemm : vector ? OperatorKind::vector : attention(n, op);
    ids_[n.name] = graph_.add(std::move(op), inputs);
  }

  /// K and V of a layer are one cache each: their operators have fixed names.
  OperatorKind attention(const GraphNode& n, Operator& op) const {
    if (n.op == NodeKind::kv_append) {
      if (n.kind != "k" && n.kind != "v") fail("kind", "'" + n.kind + "', allowed: k, v");
      op.keys = n.kind == "k";
      return OperatorKind::kv_append;
    }
    const bool scores = n.op == NodeKind::scores;
    if (n.name != (scores ? "qk" : "sv"))
      fail("name", fmt::format("'{}', allowed with op {}: {}, once a layer", n.name, enum_name(n.op), scores ? "qk" : "sv"));
    return scores ? OperatorKind::score_gemm : OperatorKind::value_gemm;
  }

  const ConfigNode& list_;
  std::string path_;
  std::size_t at_ = 0;
  OperatorGraph graph_;
  std::map<std::string, OperatorId> ids_;
};

std::string node_text(const GraphNode& n) {
  std::string text = fmt::format("  - {{name: {}, op: {}", n.name, enum_name(n.op));
  if (n.op == NodeKind::gemm) text += fmt::format(", k: {}, n: {}", n.k, n.n);
  if (n.rows != NodeRows::tokens) text += fmt::format(", rows: {}", enum_name(n.rows));
  if (n.kind != "none") text += ", kind: " + n.kind;
  if (n.per_token > 0) text += fmt::format(", per_token: {}", n.per_token);
  if (n.per_context > 0) text += fmt::format(", per_context: {}", n.per_context);
  return text + fmt::format(", inputs: [{}]}}\n", fmt::join(n.inputs, ", "));
}

}  // namespace

Model decode_graph_file(const ConfigNode& node) {
  const auto file = decode_document<GraphFile>(node, "model", "bondsim.graph/1");
  Model m;
  m.name = file.name;
  m.layers = file.layers;
  m.hidden = m.intermediate = file.hidden;
  m.vocab = file.vocab;
  m.max_context = file.max_context;
  m.query_heads = file.query_heads;
  m.kv_heads = file.kv_heads;
  m.head_dim = file.head_dim;
  m.value_head_dim = file.value_head_dim;
  m.bits = file.bits;
  if (file.layer.empty()) config_error(*node.find("layer"), "model.layer", "no node, allowed: at least one");
  auto graphs = std::make_shared<GivenGraphs>();
  graphs->head = file.head.empty() ? head_graph(m) : GraphReader(node, "head").read(file.head);
  graphs->layer = GraphReader(node, "layer").read(file.layer);
  for (OperatorId v = 0; v < graphs->head.size(); ++v) {
    const Operator& op = graphs->head[v];
    if (op.kind == OperatorKind::score_gemm || op.kind == OperatorKind::value_gemm || op.kind == OperatorKind::kv_append) {
      config_error(*node.find("head"), "model.head", op.name + " works on a cache, allowed in a layer");
    }
  }
  m.given = std::move(graphs);
  return m;
}

std::string to_text(const GraphFile& f, const std::string& comment) {
  std::string text = fmt::format("# {}\nschema: bondsim.graph/1\nname: \"{}\"\nlayers: {}\nhidden: {}\nvocab: {}\nmax_context: {}\n",
                                 comment, f.name, f.layers, f.hidden, f.vocab, f.max_context);
  text += fmt::format("query_heads: {}\nkv_heads: {}\nhead_dim: {}\nlayer:\n", f.query_heads, f.kv_heads, f.head_dim);
  for (const GraphNode& n : f.layer) text += node_text(n);
  if (!f.head.empty()) text += "head:\n";
  for (const GraphNode& n : f.head) text += node_text(n);
  return text;
}

}  // namespace bondsim
