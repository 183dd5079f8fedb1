#pragma once
#include <memory>
#include <string>
#include <vector>

#include "mapping/llm/graph.hpp"

namespace bondsim {

/// The operator graphs of a model that gives them itself, instead of a template's.
struct GivenGraphs {
  OperatorGraph layer;
  OperatorGraph head;
};

enum class NodeKind { gemm, vector, kv_append, scores, values };
template <>
inline constexpr EnumEntry<NodeKind> enum_names<NodeKind>[] = {{"gemm", NodeKind::gemm},
                                                               {"vector", NodeKind::vector},
                                                               {"kv_append", NodeKind::kv_append},
                                                               {"scores", NodeKind::scores},
                                                               {"values", NodeKind::values}};

/// Rows of a node's input: one for each new token, or one for each request.
enum class NodeRows { tokens, batch };
template <>
inline constexpr EnumEntry<NodeRows> enum_names<NodeRows>[] = {{"tokens", NodeRows::tokens}, {"batch", NodeRows::batch}};

/// A node as written. Inputs come before their users.
struct GraphNode {
  std::string name;
  NodeKind op = NodeKind::gemm;
  std::vector<std::string> inputs;
  std::int64_t k = 0;
  std::int64_t n = 0;
  NodeRows rows = NodeRows::tokens;
  std::string kind = "none";
  std::int64_t per_token = 0;
  std::int64_t per_context = 0;
  std::int64_t query_heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t context = 0;
};
template <class Visitor>
void fields(Visitor& v, GraphNode& c) {
  v.field("name", c.name, required("name: letters, digits, _ and ."));
  v.field("op", c.op,
          required("gemm: rows x [k, n] weights; scores, values: with the K or V cache that its kv_append grows; kv_append: new rows of "
                   "the cache of the scores or values that it is an input of; vector: the rest"));
  v.field("inputs", c.inputs, defaulted("nodes before it whose output it needs"));
  v.field("k", c.k, defaulted("gemm: columns of its input").range(1, 1 << 24));
  v.field("n", c.n, defaulted("gemm: columns of its output").range(1, 1 << 24));
  v.field("rows", c.rows, defaulted("gemm, vector: rows of the input, one a new token or one a request"));
  v.field("kind", c.kind, defaulted("vector: softmax, norm, rotary, activation, residual or reduce; kv_append: k or v"));
  v.field("per_token", c.per_token, defaulted("vector: elements a row").range(1, 1 << 24));
  v.field("per_context", c.per_context, defaulted("vector: elements a row and token of the context (scores)").range(1, 1 << 24));
  v.field("query_heads", c.query_heads, defaulted("scores, values: heads of Q; left out: the file's").range(1, 4096));
  v.field("kv_heads", c.kv_heads, defaulted("scores, values: heads of the cache; left out: the file's").range(1, 4096));
  v.field("head_dim", c.head_dim, defaulted("scores, values: width of a head of the cache; left out: the file's").range(1, 4096));
  v.field("context", c.context,
          defaulted("scores, values: tokens of a cache that does not grow and is there from the first step on (the output of an encoder); "
                    "left out: the request's context")
              .range(1, 1 << 24)
              .in("token"));
}

/// A `schema: bondsim.graph/1` file: a model whose layer is any graph of these operators.
struct GraphFile {
  std::string name;
  int layers = 1;
  std::int64_t hidden = 0;
  std::int64_t vocab = 0;
  std::int64_t max_context = 0;
  std::int64_t query_heads = 1;
  std::int64_t kv_heads = 1;
  std::int64_t head_dim = 1;
  std::int64_t value_head_dim = 0;
  std::vector<GraphNode> layer;
  std::vector<GraphNode> head;
  ElementBits bits;
};
template <class Visitor>
void fields(Visitor& v, GraphFile& c) {
  v.field("name", c.name, required("name of the model"));
  v.field("layers", c.layers, defaulted("times the layer's graph runs").range(1, 4096));
  v.field("hidden", c.hidden, required("columns of the embedding table, and of what a residual sum leaves").range(1, 1 << 20));
  v.field("vocab", c.vocab, required("rows of the embedding table").range(1, 1 << 24));
  v.field("max_context", c.max_context, required("longest context").range(1, 1 << 24).in("token"));
  v.field("query_heads", c.query_heads, defaulted("attention heads of Q").range(1, 4096));
  v.field("kv_heads", c.kv_heads, defaulted("attention heads of K and V").range(1, 4096));
  v.field("head_dim", c.head_dim, defaulted("width of a head").range(1, 4096));
  v.field("value_head_dim", c.value_head_dim, defaulted("width of a head of V; 0: head_dim").range(0, 4096));
  v.sections("layer", c.layer, required("nodes of a layer, each after its inputs"));
  v.sections("head", c.head, defaulted("nodes behind the last layer; left out: final norm and LM head"));
  v.section("bits", c.bits, defaulted("format of each operand"));
}

/// @throws ConfigError at the node that does not fit
Model decode_graph_file(const ConfigNode& node);

/// The text of such a file. @param comment first line, without `#`
std::string to_text(const GraphFile& file, const std::string& comment);

}  // namespace bondsim
