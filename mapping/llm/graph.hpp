#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mapping/llm/model.hpp"
#include "models/schedule/schedule.hpp"

namespace bondsim {

/// Kinds of operators of a layer.
enum class OperatorKind {
  weight_gemm,  ///< activations [tokens, k] times weights [k, n]
  score_gemm,   ///< qk: per KV head, queries [tokens * group, head_dim] times K cache [head_dim, context]
  value_gemm,   ///< sv: per KV head, scores [tokens * group, context] times V cache [context, head_dim]
  kv_append,    ///< new rows of the K or V cache go to memory
  vector        ///< element-wise work on the vector units
};

/// Layers of a model that have an operator: where some have experts and others one FFN, the graph of a layer has both, and a layer runs its
/// part.
enum class LayerPart { every, dense, experts };

/// Heads of one attention.
struct HeadShape {
  std::int64_t kv_heads = 0;
  std::int64_t queries = 0;    ///< heads of Q for each of K and V
  std::int64_t key_dim = 0;    ///< width of a head of Q and K
  std::int64_t value_dim = 0;  ///< of V
};

/// A node of the operator graph.
struct Operator {
  std::string name;
  OperatorKind kind = OperatorKind::vector;
  VectorKind vector = VectorKind::none;
  std::int64_t n = 0;                   ///< weight_gemm: output columns
  std::int64_t k = 0;                   ///< weight_gemm: input columns
  std::int64_t elements_per_token = 0;  ///< vector
  bool per_context = false;             ///< vector: elements_per_token for each token of the context (softmax of scores)
  int expert = -1;                      ///< of which expert; -1: none
  LayerPart part = LayerPart::every;    ///< layers that have it
  bool per_request = false;             ///< weight_gemm, vector: a row a request, not a row a token
  bool keys = false;                    ///< kv_append: the K cache, else V
  std::string cache;                    ///< kv_append: the score_gemm or value_gemm that reads the cache
  HeadShape heads;                      ///< score_gemm, value_gemm
  std::int64_t fixed_context = 0;  ///< score_gemm, value_gemm, vector per context: tokens of a context that does not grow; 0: the request's
  bool in_keys = false;            ///< value_gemm: V is the first part of every row of K, so that one cache serves both products
  bool ffn = false;                ///< part of the FFN, else of attention

  /// In a layer of this class.
  bool runs_in(const LayerClass& layers) const { return part == LayerPart::every || (part == LayerPart::experts) == layers.experts; }
  bool is_gemm() const { return kind == OperatorKind::weight_gemm || kind == OperatorKind::score_gemm || kind == OperatorKind::value_gemm; }
};

/// Index of an operator in its graph, from 0 in the order of insertion.
using OperatorId = std::size_t;

/// A directed graph of operators; an edge leads from an operator to one that needs its output. Inputs are added before their users, so
/// ascending ids are one order in which the operators may run. graph.cpp runs Boost.Graph's algorithms on it.
class OperatorGraph {
 public:
  /// @param inputs operators whose output `op` needs, each added before
  OperatorId add(Operator op, const std::vector<OperatorId>& inputs);

  /// Names the reader of the cache that a kv_append grows, which is added behind it.
  void set_cache(OperatorId append, const std::string& reader) { operators_[append].cache = reader; }

  std::size_t size() const { return operators_.size(); }
  const Operator& operator[](OperatorId v) const { return operators_[v]; }
  /// In the order in which they were given to add().
  const std::vector<OperatorId>& inputs(OperatorId v) const { return inputs_[v]; }
  /// Operators that need the output of `v`, ascending.
  const std::vector<OperatorId>& users(OperatorId v) const { return users_[v]; }
  /// Adjacency list, by id: what Boost.Graph takes for a graph.
  const std::vector<std::vector<OperatorId>>& adjacency() const { return users_; }
  /// From, to; in the order of insertion.
  std::vector<std::pair<OperatorId, OperatorId>> edges() const;

 private:
  std::vector<Operator> operators_;
  std::vector<std::vector<OperatorId>> inputs_;
  std::vector<std::vector<OperatorId>> users_;
};

/// The score_gemm among operators, or whose output some of them work on.
std::optional<OperatorId> scores_behind(const OperatorGraph& graph, const std::vector<OperatorId>& operators);
/// The score_gemm whose softmax a value_gemm multiplies.
OperatorId scores_of(const OperatorGraph& graph, OperatorId values);

/// The heads of a model, as its template's attention has them.
HeadShape head_shape(const Model& model);

/// Formats of a GEMM's operands in a model.
OperandBits operand_bits(const Model& model, const Operator& gemm);

/// Operators of one decoder layer, from the norm before attention to the residual sum after the FFN.
OperatorGraph layer_graph(const Model& model);

/// Operators behind the last layer: final norm and LM head.
OperatorGraph head_graph(const Model& model);

/// Edges between GEMMs, by name, when what lies between them (norms, softmax, appends) is contracted; sorted.
std::vector<std::pair<std::string, std::string>> gemm_edges(const OperatorGraph& graph);

/// Operators level by level (longest path from a source), by name of insertion inside a level.
std::vector<OperatorId> level_order(const OperatorGraph& graph);

/// Names of the GEMMs, in insertion order.
std::vector<std::string> gemm_names(const OperatorGraph& graph);

/// Layers of the model that run an operator of its layer graph.
std::int64_t layers_with(const Model& model, const Operator& op);

/// Weight elements of a graph's weight GEMMs.
std::int64_t weight_elements(const OperatorGraph& graph);

}  // namespace bondsim
