#include "mapping/llm/graph_file.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

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
  GraphReader(const ConfigNode& file, const char* key, const Model& model)
      : list_(*file.find(key)), path_(std::string("model.") + key), model_(model) {}

  OperatorGraph read(const std::vector<GraphNode>& nodes) {
    for (at_ = 0; at_ < nodes.size(); ++at_) add(nodes[at_]);
    for (OperatorId v = 0; v < graph_.size(); ++v) {
      at_ = v;
      if (graph_[v].kind == OperatorKind::kv_append && graph_[v].cache.empty())
        fail("op",
             fmt::format("nothing reads the cache of '{}', allowed: an input of {}", graph_[v].name, graph_[v].keys ? "scores" : "values"));
      if (graph_[v].kind == OperatorKind::score_gemm && scored_.count(v) == 0)
        fail("op", fmt::format("no values need the scores '{}', allowed: one values for each scores", graph_[v].name));
    }
    return std::move(graph_);
  }

 private:
  [[noreturn]] void fail(const char* key, const std::string& message) const {
    const std::size_t item = std::min(at_, list_.items.size() - 1);
    config_error(list_.items[item], fmt::format("{}[{}].{}", path_, item, key), message);
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
      if (op.per_context) op.fixed_context = context_behind(inputs);
      op.elements_per_token = std::max(n.per_token, n.per_context);
    } else {
      require_given("per_token", std::max(n.per_token, n.per_context), false, n);
    }
    if (n.op != NodeKind::scores && n.op != NodeKind::values) {
      for (const std::int64_t given : {n.query_heads, n.kv_heads, n.head_dim, n.context}) require_given("context", given, false, n);
    }
    op.kind = gemm ? OperatorKind::weight_gemm : vector ? OperatorKind::vector : attention(n, op, inputs);
    ids_[n.name] = graph_.add(std::move(op), inputs);
  }

  OperatorKind attention(const GraphNode& n, Operator& op, const std::vector<OperatorId>& inputs) {
    if (n.op == NodeKind::kv_append) {
      if (n.kind != "k" && n.kind != "v") fail("kind", "'" + n.kind + "', allowed: k, v");
      op.keys = n.kind == "k";
      return OperatorKind::kv_append;
    }
    const bool scores = n.op == NodeKind::scores;
    op.heads = heads_of(n);
    op.fixed_context = n.context;
    take_cache(n, scores, inputs);
    if (!scores) take_scores(op, inputs);
    return scores ? OperatorKind::score_gemm : OperatorKind::value_gemm;
  }

  HeadShape heads_of(const GraphNode& n) const {
    const std::int64_t queries = n.query_heads > 0 ? n.query_heads : model_.query_heads;
    HeadShape h;
    h.kv_heads = n.kv_heads > 0 ? n.kv_heads : model_.kv_heads;
    if (queries % h.kv_heads != 0)
      fail("kv_heads", fmt::format("{} does not divide {} heads of Q, allowed: its divisors", h.kv_heads, queries));
    h.queries = queries / h.kv_heads;
    h.key_dim = n.head_dim > 0 ? n.head_dim : model_.head_dim;
    h.value_dim = n.head_dim > 0 ? n.head_dim : model_.value_dim();
    return h;
  }

  /// The append among the inputs grows the node's cache; a cache of fixed context has none.
  void take_cache(const GraphNode& n, bool scores, const std::vector<OperatorId>& inputs) {
    int appends = 0;
    for (const OperatorId input : inputs) {
      if (graph_[input].kind != OperatorKind::kv_append) continue;
      if (graph_[input].keys != scores) fail("inputs", fmt::format("'{}' grows a cache of {}", graph_[input].name, scores ? "V" : "K"));
      if (!graph_[input].cache.empty())
        fail("inputs",
             fmt::format("'{}' grows the cache of '{}' already, allowed: one reader of a cache", graph_[input].name, graph_[input].cache));
      graph_.set_cache(input, n.name);
      ++appends;
    }
    if (appends != (n.context > 0 ? 0 : 1))
      fail("inputs", fmt::format("{} kv_append among them, allowed: {}", appends,
                                 n.context > 0 ? "none with a fixed context" : "one, or a fixed context"));
  }

  /// The scores whose softmax the values multiply have as many heads, and the same context.
  void take_scores(const Operator& values, const std::vector<OperatorId>& inputs) {
    const std::optional<OperatorId> scores = scores_behind(graph_, inputs);
    if (!scores) fail("inputs", "no scores behind them, allowed: what works on the output of scores");
    if (!scored_.insert(*scores).second)
      fail("inputs", fmt::format("'{}' has its values already, allowed: one for each scores", graph_[*scores].name));
    const Operator& qk = graph_[*scores];
    if (qk.heads.kv_heads != values.heads.kv_heads || qk.heads.queries != values.heads.queries || qk.fixed_context != values.fixed_context)
      fail("kv_heads", fmt::format("heads or context differ from those of '{}', allowed: the same", qk.name));
  }

  /// Fixed context of the scores that a vector works on; 0: the request's.
  std::int64_t context_behind(const std::vector<OperatorId>& inputs) const {
    const std::optional<OperatorId> scores = scores_behind(graph_, inputs);
    return scores ? graph_[*scores].fixed_context : 0;
  }

  const ConfigNode& list_;
  std::string path_;
  const Model& model_;
  std::size_t at_ = 0;
  OperatorGraph graph_;
  std::set<OperatorId> scored_;  ///< scores that have values
  std::map<std::string, OperatorId> ids_;
};

std::string node_text(const GraphNode& n) {
  std::string text = fmt::format("  - {{name: {}, op: {}", n.name, enum_name(n.op));
  if (n.op == NodeKind::gemm) text += fmt::format(", k: {}, n: {}", n.k, n.n);
  if (n.rows != NodeRows::tokens) text += fmt::format(", rows: {}", enum_name(n.rows));
  if (n.kind != "none") text += ", kind: " + n.kind;
  if (n.per_token > 0) text += fmt::format(", per_token: {}", n.per_token);
  if (n.per_context > 0) text += fmt::format(", per_context: {}", n.per_context);
  for (const auto& [key, value] : {std::make_pair("query_heads", n.query_heads), std::make_pair("kv_heads", n.kv_heads),
                                   std::make_pair("head_dim", n.head_dim), std::make_pair("context", n.context)}) {
    if (value > 0) text += fmt::format(", {}: {}", key, value);
  }
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
  graphs->head = file.head.empty() ? head_graph(m) : GraphReader(node, "head", m).read(file.head);
  graphs->layer = GraphReader(node, "layer", m).read(file.layer);
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
