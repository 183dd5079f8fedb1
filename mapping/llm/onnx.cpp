#include "mapping/llm/onnx.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "mapping/llm/onnx_file.hpp"

namespace bondsim {
namespace {

const std::map<std::string, std::string>& vector_types() {
  static const std::map<std::string, std::string> types = {{"Softmax", "softmax"},
                                                           {"LayerNormalization", "norm"},
                                                           {"SimplifiedLayerNormalization", "norm"},
                                                           {"RMSNormalization", "norm"},
                                                           {"SkipLayerNormalization", "norm"},
                                                           {"SkipSimplifiedLayerNormalization", "norm"},
                                                           {"RotaryEmbedding", "rotary"},
                                                           {"Relu", "activation"},
                                                           {"Gelu", "activation"},
                                                           {"FastGelu", "activation"},
                                                           {"BiasGelu", "activation"},
                                                           {"Sigmoid", "activation"},
                                                           {"Silu", "activation"},
                                                           {"Swish", "activation"},
                                                           {"HardSwish", "activation"},
                                                           {"Tanh", "activation"},
                                                           {"Erf", "activation"},
                                                           {"QuickGelu", "activation"},
                                                           {"Add", "residual"},
                                                           {"Mul", "residual"},
                                                           {"Sub", "residual"},
                                                           {"Div", "residual"}};
  return types;
}

bool is_attention(const std::string& type) { return type == "Attention" || type == "MultiHeadAttention" || type == "GroupQueryAttention"; }

/// Operators that compute what the graph has no words for.
bool is_refused(const std::string& type) {
  static const std::set<std::string> types = {"Conv", "ConvTranspose", "LSTM",   "GRU",           "RNN",          "Loop",
                                              "If",   "Scan",          "Einsum", "QLinearMatMul", "MatMulInteger"};
  return types.count(type) > 0;
}

/// Turns nodes into those of a graph file, in the file's order, which is topological.
class Importer {
 public:
  Importer(const OnnxFile& file, const std::string& name, const OnnxOptions& options) : file_(file), name_(name) {
    out_.name = name;
    out_.layers = options.layers;
    out_.max_context = options.max_context;
    out_.query_heads = options.query_heads;
    out_.kv_heads = options.kv_heads;
  }

  GraphFile take() {
    for (const OnnxNode& n : file_.nodes()) add(n);
    if (out_.layer.empty()) throw ConfigError(name_ + ": no GEMM and no vector work found, allowed: MatMul, Gemm, attention");
    if (out_.query_heads == 0) out_.query_heads = 1;
    if (out_.kv_heads == 0) out_.kv_heads = out_.query_heads;
    if (out_.hidden == 0) out_.hidden = first_k_;
    if (out_.vocab == 0) out_.vocab = 1;
    move_head();
    return std::move(out_);
  }

 private:
  [[noreturn]] void fail(const OnnxNode& n, const std::string& what) const {
    throw ConfigError(fmt::format("{}: {} ({}): {}", name_, n.type, n.outputs.empty() ? "" : n.outputs.front(), what));
  }

  /// What a tensor comes from, and its columns.
  struct Source {
    std::vector<std::string> nodes;
    std::int64_t width = 0;
  };
  Source of(const std::string& tensor) const {
    const auto at = sources_.find(tensor);
    return at == sources_.end() ? Source{} : at->second;
  }
  Source of_all(const OnnxNode& n) const {
    Source all;
    for (const std::string& input : n.inputs) {
      const Source s = of(input);
      for (const std::string& node : s.nodes) {
        if (std::find(all.nodes.begin(), all.nodes.end(), node) == all.nodes.end()) all.nodes.push_back(node);
      }
      all.width = std::max(all.width, s.width);
    }
    return all;
  }

  std::string unique(std::string name) {
    for (char& c : name) {
      if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_') c = '_';
    }
    std::string out = name;
    for (int i = 2; !names_.insert(out).second; ++i) out = fmt::format("{}_{}", name, i);
    return out;
  }

  static GraphNode named_node(const std::string& name, NodeKind op, const std::vector<std::string>& inputs) {
    GraphNode n;
    n.name = name;
    n.op = op;
    n.inputs = inputs;
    return n;
  }

  void put(GraphNode node, const OnnxNode& n, std::int64_t width) {
    for (const std::string& output : n.outputs) sources_[output] = {{node.name}, width};
    out_.layer.push_back(std::move(node));
  }

  void add(const OnnxNode& n) {
    if (n.outputs.empty()) fail(n, "without an output, allowed: at least one");
    if (is_refused(n.type))
      fail(n, "is not expressible as GEMMs and vector work, allowed: MatMul, Gemm, attention; write a bondsim.graph/1 file");
    if (n.type == "Gather" && !n.inputs.empty() && file_.weights(n.inputs[0]) != nullptr && file_.weights(n.inputs[0])->size() == 2)
      return embedding(n);
    if (n.type == "MatMul" || n.type == "Gemm") return product(n);
    if (is_attention(n.type)) return attention_operator(n);
    const auto kind = vector_types().find(n.type);
    const Source inputs = of_all(n);
    if (kind == vector_types().end() || inputs.nodes.empty()) {
      for (const std::string& output : n.outputs) sources_[output] = inputs;
      return;
    }
    const bool two = std::count_if(n.inputs.begin(), n.inputs.end(), [&](const std::string& i) { return !of(i).nodes.empty(); }) > 1;
    if (kind->second == "residual" && !two) {  // a constant: a bias, a scale, a mask
      for (const std::string& output : n.outputs) sources_[output] = inputs;
      return;
    }
    const bool scores = inputs.nodes == std::vector<std::string>{"qk"};
    GraphNode node;
    node.op = NodeKind::vector;
    node.kind = kind->second;
    node.name = unique(node.kind);
    node.inputs = inputs.nodes;
    if (scores) {
      node.per_context = out_.query_heads;
    } else {
      node.per_token = std::max<std::int64_t>(1, inputs.width);
    }
    put(std::move(node), n, inputs.width);
  }

  void embedding(const OnnxNode& n) {
    const OnnxShape& table = *file_.weights(n.inputs[0]);
    if (out_.vocab == 0 || table[0] > out_.vocab) out_.vocab = table[0];
    out_.hidden = table[1];
    for (const std::string& output : n.outputs) sources_[output] = {{}, table[1]};
  }

  void product(const OnnxNode& n) {
    if (n.inputs.size() < 2) fail(n, "one operand, allowed: two");
    const OnnxShape* right = file_.weights(n.inputs[1]);
    if (right == nullptr && file_.weights(n.inputs[0]) != nullptr) fail(n, "the first operand is constant, allowed: the second");
    if (right == nullptr) return of_attention(n);
    if (right->size() != 2) fail(n, fmt::format("a constant of {} dimensions, allowed: 2", right->size()));
    const auto transposed = n.ints.find("transB");
    const bool turned = transposed != n.ints.end() && transposed->second != 0;
    GraphNode node;
    node.op = NodeKind::gemm;
    node.k = (*right)[turned ? 1 : 0];
    node.n = (*right)[turned ? 0 : 1];
    node.name = unique(n.inputs[1]);
    node.inputs = of(n.inputs[0]).nodes;
    if (first_k_ == 0) first_k_ = node.k;
    const std::int64_t width = node.n;
    put(std::move(node), n, width);
  }

  /// A product of two computed operands: Q K^T, or softmax(..) V.
  void of_attention(const OnnxNode& n) {
    const Source left = of(n.inputs[0]), right = of(n.inputs[1]);
    const bool values = left.nodes.size() == 1 && left.nodes.front().rfind("softmax", 0) == 0;
    if (!values) {
      const std::int64_t heads = file_.dimension(n.outputs.front(), 1);
      if (out_.query_heads == 0) out_.query_heads = heads;
      if (out_.query_heads == 0)
        fail(n, "the number of heads is in no shape of the file, allowed: --query-heads (or onnx.shape_inference)");
      if (out_.kv_heads == 0) out_.kv_heads = out_.query_heads;
      out_.head_dim = std::max<std::int64_t>(1, left.width / out_.query_heads);
      append("k", right);
      GraphNode qk = named_node("qk", NodeKind::scores, left.nodes);
      qk.inputs.push_back("k_append");
      once(qk.name, n);
      return put(std::move(qk), n, left.width);
    }
    append("v", right);
    GraphNode sv = named_node("sv", NodeKind::values, left.nodes);
    sv.inputs.push_back("v_append");
    once(sv.name, n);
    put(std::move(sv), n, out_.query_heads * out_.head_dim);
  }

  /// One operator for all of attention: Q, K and V are its first inputs, apart or (Attention) as one.
  void attention_operator(const OnnxNode& n) {
    const auto number = [&](const char* key) {
      const auto at = n.ints.find(key);
      return at == n.ints.end() ? 0 : at->second;
    };
    if (out_.query_heads == 0) out_.query_heads = std::max(number("num_heads"), number("q_num_heads"));
    if (out_.query_heads == 0) fail(n, "without num_heads, allowed: --query-heads");
    if (out_.kv_heads == 0) out_.kv_heads = std::max(number("kv_num_heads"), std::int64_t{0});
    if (out_.kv_heads == 0) out_.kv_heads = out_.query_heads;
    if (n.inputs.size() < 3 || of(n.inputs[1]).nodes.empty()) fail(n, "Q, K and V in one operand, allowed: three");
    const Source q = of(n.inputs[0]);
    out_.head_dim = std::max<std::int64_t>(1, q.width / out_.query_heads);
    once("qk", n);
    append("k", of(n.inputs[1]));
    append("v", of(n.inputs[2]));
    GraphNode qk = named_node("qk", NodeKind::scores, q.nodes);
    qk.inputs.push_back("k_append");
    put(qk, n, q.width);
    GraphNode softmax = named_node(unique("softmax"), NodeKind::vector, {"qk"});
    softmax.kind = "softmax";
    softmax.per_context = out_.query_heads;
    GraphNode sv = named_node("sv", NodeKind::values, {softmax.name, "v_append"});
    put(std::move(softmax), n, q.width);
    put(std::move(sv), n, q.width);
  }

  void append(const std::string& cache, const Source& rows) {
    GraphNode node;
    node.name = cache + "_append";
    node.op = NodeKind::kv_append;
    node.kind = cache;
    node.inputs = rows.nodes;
    out_.layer.push_back(std::move(node));
  }

  void once(const std::string& name, const OnnxNode& n) {
    if (!names_.insert(name).second)
      fail(n, "a second attention, allowed: one, of a file with one layer (--layers says how often it runs)");
  }

  /// The GEMM onto the vocabulary that nothing follows, with a norm that only it needs.
  void move_head() {
    if (out_.layer.size() < 2 || out_.layer.back().op != NodeKind::gemm || out_.layer.back().n != out_.vocab) return;
    const auto only_user = [&](const std::string& name) {
      int users = 0;
      for (const GraphNode& n : out_.layer) users += static_cast<int>(std::count(n.inputs.begin(), n.inputs.end(), name));
      return users == 1;
    };
    std::vector<GraphNode> head = {out_.layer.back()};
    out_.layer.pop_back();
    const GraphNode& before = out_.layer.back();
    if (before.kind == "norm" && head.front().inputs == std::vector<std::string>{before.name}) {
      out_.layer.push_back(head.front());
      const bool alone = only_user(before.name);
      out_.layer.pop_back();
      if (alone && out_.layer.size() > 1) {
        head.insert(head.begin(), before);
        out_.layer.pop_back();
      }
    }
    head.front().inputs.clear();
    out_.head = head;
  }

  const OnnxFile& file_;
  std::string name_;
  GraphFile out_;
  std::map<std::string, Source> sources_;
  std::set<std::string> names_;
  std::int64_t first_k_ = 0;
};

}  // namespace

GraphFile read_onnx(const std::string& bytes, const std::string& name, const OnnxOptions& options) {
  const OnnxFile file(bytes, name);
  return Importer(file, name, options).take();
}

}  // namespace bondsim
