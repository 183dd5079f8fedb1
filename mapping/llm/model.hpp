#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mapping/llm/format.hpp"
#include "models/base/fields.hpp"

namespace bondsim {

enum class ActivationKind { relu, gelu, silu };
template <>
struct EnumNames<ActivationKind> {
  static const std::vector<std::pair<const char*, ActivationKind>>& names() {
    static const std::vector<std::pair<const char*, ActivationKind>> list = {
        {"relu", ActivationKind::relu}, {"gelu", ActivationKind::gelu}, {"silu", ActivationKind::silu}};
    return list;
  }
};

enum class NormKind { layer_norm, rms_norm };
template <>
struct EnumNames<NormKind> {
  static const std::vector<std::pair<const char*, NormKind>>& names() {
    static const std::vector<std::pair<const char*, NormKind>> list = {{"layer_norm", NormKind::layer_norm},
                                                                       {"rms_norm", NormKind::rms_norm}};
    return list;
  }
};

enum class PositionKind { learned, rotary };
template <>
struct EnumNames<PositionKind> {
  static const std::vector<std::pair<const char*, PositionKind>>& names() {
    static const std::vector<std::pair<const char*, PositionKind>> list = {{"learned", PositionKind::learned},
                                                                           {"rotary", PositionKind::rotary}};
    return list;
  }
};

/// Format of each operand: W4A16 is weight int4_g128, KV8 is kv int8. A width alone (weight 4) counts bytes, and every engine multiplies it
/// at its base rate; once one operand has a format by name, a width stands for fp32, fp16, int8 or int4.
struct ElementBits {
  OperandFormat activation = 16;
  OperandFormat weight = 16;
  OperandFormat kv = 16;
  OperandFormat output = 16;
  OperandFormat accumulator = 32;
};
/// Of the fields of ElementBits, for the schema.
FieldInfo format_info(const char* doc);
template <class Visitor>
void fields(Visitor& v, ElementBits& c) {
  v.field("activation", c.activation, format_info("activations"));
  v.field("weight", c.weight, format_info("weights"));
  v.field("kv", c.kv, format_info("K and V caches"));
  v.field("output", c.output, format_info("results of a GEMM, as stored"));
  v.field("accumulator", c.accumulator, format_info("partial sums inside a PE").range(8, 64));
}

enum class Routing { expected, given };
template <>
struct EnumNames<Routing> {
  static const std::vector<std::pair<const char*, Routing>>& names() {
    static const std::vector<std::pair<const char*, Routing>> list = {{"expected", Routing::expected}, {"given", Routing::given}};
    return list;
  }
};

/// Experts in place of one FFN (Mixtral's kind: a router picks top_k of them for each token).
struct MoeConfig {
  int experts = 0;
  int top_k = 0;
  Routing routing = Routing::expected;
  std::vector<double> weights;  ///< routing given: one weight an expert
};
template <class Visitor>
void fields(Visitor& v, MoeConfig& c) {
  v.field("experts", c.experts, required("experts of a layer").range(2, 1024));
  v.field("top_k", c.top_k, required("experts a token goes to").range(1, 1024));
  v.field("routing", c.routing,
          defaulted("expected: as many experts are busy as uniform random choice makes on average; given: in proportion to weights"));
  v.field("weights", c.weights, defaulted("routing given: one weight an expert").range(0, 1e9));
}

/// Rows of each expert when `tokens` tokens are routed in step `step`; they sum to tokens * top_k, and none has more than `tokens`.
/// Expected routing keeps E * (1 - (1 - k / E)^tokens) experts busy (uniform independent choice), others with each step.
std::vector<std::int64_t> expert_rows(const MoeConfig& moe, std::int64_t tokens, std::int64_t step);

/// Shapes of a decoder-only transformer, as a file of configs/model/ gives them.
struct Model {
  std::string name;
  int layers = 0;
  std::int64_t hidden = 0;
  std::int64_t intermediate = 0;
  std::int64_t query_heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t vocab = 0;
  std::int64_t max_context = 0;
  bool gated_ffn = false;
  bool parallel_block = false;
  bool tied_embeddings = false;
  ActivationKind activation = ActivationKind::silu;
  NormKind norm = NormKind::rms_norm;
  PositionKind position = PositionKind::rotary;
  double rotary_fraction = 1.0;
  bool qk_norm = false;
  bool post_norms = false;
  std::optional<MoeConfig> moe;
  ElementBits bits;

  std::int64_t query_columns() const { return query_heads * head_dim; }
  std::int64_t kv_columns() const { return kv_heads * head_dim; }
  std::int64_t queries_per_kv_head() const { return query_heads / kv_heads; }
};
template <class Visitor>
void fields(Visitor& v, Model& c) {
  v.field("name", c.name, required("name of the model"));
  v.field("layers", c.layers, required("decoder layers").range(1, 4096));
  v.field("hidden", c.hidden, required("width of the residual stream").range(1, 1 << 20));
  v.field("intermediate", c.intermediate, required("width inside the FFN").range(1, 1 << 22));
  v.field("query_heads", c.query_heads, required("attention heads of Q").range(1, 4096));
  v.field("kv_heads", c.kv_heads, required("attention heads of K and V; fewer than query_heads: grouped queries").range(1, 4096));
  v.field("head_dim", c.head_dim, required("width of a head").range(1, 4096));
  v.field("vocab", c.vocab, required("tokens of the vocabulary").range(1, 1 << 24));
  v.field("max_context", c.max_context, required("longest context").range(1, 1 << 24).in("token"));
  v.field("gated_ffn", c.gated_ffn, required("the FFN has a gate: f1 and f3 before f2, else f1 and f2"));
  v.field("parallel_block", c.parallel_block, defaulted("attention and FFN read the same input and are added together"));
  v.field("tied_embeddings", c.tied_embeddings, defaulted("the LM head is the embedding table"));
  v.field("activation", c.activation, required("non-linearity of the FFN"));
  v.field("norm", c.norm, required("normalisation before each block"));
  v.field("position", c.position, required("learned embeddings, or rotary"));
  v.field("rotary_fraction", c.rotary_fraction, defaulted("part of a head that is rotated").range(0, 1));
  v.field("qk_norm", c.qk_norm, defaulted("Q and K heads are normalised before the rotation"));
  v.field("post_norms", c.post_norms, defaulted("attention and FFN are normalised behind, too"));
  v.section("moe", c.moe, defaulted("experts in place of the FFN"));
  v.section("bits", c.bits, defaulted("element size of each operand"));
}

/// Reads a `schema: bondsim.model/1` file, or a Hugging Face config.json (see hugging_face.hpp).
/// @throws ConfigError, also when the numbers do not fit together.
Model decode_model(const ConfigNode& node);

}  // namespace bondsim
