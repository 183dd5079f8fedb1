#pragma once
#include <string>
#include <utility>
#include <vector>

#include "mapping/cost/device.hpp"

/// The decoder layers of the H2-LLM evaluation (ISCA'25, doi 10.1145/3695053.3731008) and the shapes its evaluator gives their operators.
namespace bondsim::cost {

/// Longest context of the published evaluation; KV caches are allocated for it.
constexpr std::int64_t published_max_sequence = 2048;
/// The published evaluation is FP16 throughout.
constexpr double published_element_bytes = 2;
/// Channels of every published system: nmp_channels of them with PEs, the rest normal.
constexpr int published_channels = 8;

/// Shape of a decoder layer as the published evaluation has it. Sizes are in elements.
struct LayerShape {
  std::string model;
  std::int64_t layers = 0;
  std::int64_t hidden = 0;
  std::int64_t intermediate = 0;
  std::int64_t query_heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  bool gated_ffn = false;                                 ///< f1 and f3 before f2, or f1 alone
  bool parallel_ffn = false;                              ///< the FFN does not wait for the attention
  std::int64_t longest_context = published_max_sequence;  ///< KV caches are allocated for it
};

/// opt, llama, palm (OPT-6.7B, Llama-3-8B, PaLM-8B). @throws ConfigError listing them.
LayerShape published_layer(const std::string& model);
std::vector<std::string> published_layer_names();

/// Prompt and generated tokens of one request, and requests side by side.
struct Request {
  std::int64_t prompt_tokens = 0;
  std::int64_t generated_tokens = 0;
  std::int64_t batch = 1;
};

/// A GEMM of the layer in both phases.
struct LayerOperator {
  std::string name;
  bool attention = false;  ///< qk, sv: the stationary operand is a KV cache
  GemmShape prefill;
  GemmShape decode;             ///< of one generated token, at the full context (prompt + generated, at most the longest)
  double stationary_bytes = 0;  ///< of one layer, what must be allocated: weights, or the KV cache at the longest context
};

/// Operators of a layer for one request, in an order that its edges allow.
struct Layer {
  LayerShape shape;
  Request request;
  std::vector<LayerOperator> operators;
  std::vector<std::pair<int, int>> edges;  ///< from, to: indices of operators, from < to
};

Layer make_layer(const LayerShape& shape, const Request& request);

}  // namespace bondsim::cost
