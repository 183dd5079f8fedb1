#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mapping/llm/format.hpp"
#include "models/base/fields.hpp"

namespace bondsim {

/// Function between the matrices of a feed-forward network.
enum class ActivationKind { relu, gelu, silu };
template <>
inline constexpr EnumEntry<ActivationKind> enum_names<ActivationKind>[] = {
    {"relu", ActivationKind::relu}, {"gelu", ActivationKind::gelu}, {"silu", ActivationKind::silu}};

/// Normalisation before attention and feed-forward network.
enum class NormKind { layer_norm, rms_norm };
template <>
inline constexpr EnumEntry<NormKind> enum_names<NormKind>[] = {{"layer_norm", NormKind::layer_norm}, {"rms_norm", NormKind::rms_norm}};

/// How positions enter: learned vectors added to the embedding, or rotations of Q and K.
enum class PositionKind { learned, rotary };
template <>
inline constexpr EnumEntry<PositionKind> enum_names<PositionKind>[] = {{"learned", PositionKind::learned},
                                                                       {"rotary", PositionKind::rotary}};

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

/// How tokens go to experts: evenly as expected, as a list of loads gives it, or drawn: uniform, by Zipf, as a trace says, or by a chain
/// from layer to layer.
enum class Routing { expected, given, uniform, zipf, trace, markov };
template <>
inline constexpr EnumEntry<Routing> enum_names<Routing>[] = {{"expected", Routing::expected}, {"given", Routing::given},
                                                             {"uniform", Routing::uniform},   {"zipf", Routing::zipf},
                                                             {"trace", Routing::trace},       {"markov", Routing::markov}};

/// Experts of a routing trace: by (layer, step, token) the experts of that token. Layer -1 stands for every layer.
using RoutingTrace = std::map<std::array<std::int64_t, 3>, std::vector<int>>;

/// Experts in place of one FFN (Mixtral's kind: a router picks top_k of them for each token).
struct MoeConfig {
  int experts = 0;
  int top_k = 0;
  std::int64_t intermediate = 0;         ///< width inside an expert; 0: the model's
  std::int64_t shared_intermediate = 0;  ///< width inside the shared experts, all together; 0: there are none
  bool shared_gate = false;              ///< the shared experts' output has a gate of its own (a column of weights)
  int first_dense = 0;
  int every = 1;
  Routing routing = Routing::expected;
  std::vector<double> weights;  ///< routing given: one weight an expert
  double zipf_s = 1;
  double markov_stay = 0.5;
  std::uint64_t seed = 1;
  std::string trace_file;
  std::shared_ptr<const RoutingTrace> trace;  ///< read from trace_file

  bool in_layer(int layer) const { return layer >= first_dense && (layer + 1) % every == 0; }
  /// Whether routing differs from layer to layer, so that one layer does not stand for others.
  bool by_layer() const { return routing != Routing::expected && routing != Routing::given; }
};
template <class Visitor>
void fields(Visitor& v, MoeConfig& c) {
  v.field("experts", c.experts, required("experts of a layer").range(2, 1024));
  v.field("top_k", c.top_k, required("experts a token goes to").range(1, 1024));
  v.field("intermediate", c.intermediate, defaulted("width inside an expert; 0: the model's").range(0, 1 << 22));
  v.field("shared_intermediate", c.shared_intermediate,
          defaulted("width inside the experts that every token goes to, all together; 0: none").range(0, 1 << 22));
  v.field("shared_gate", c.shared_gate, defaulted("the shared experts' output is gated by a column of weights"));
  v.field("first_dense", c.first_dense, defaulted("first layers that have an FFN instead").range(0, 4096));
  v.field("every", c.every, defaulted("only every n-th layer has experts, the n-th first; the others have an FFN").range(1, 4096));
  v.field(
      "routing", c.routing,
      defaulted("expected: as many experts are busy as uniform random choice makes on average; given: in proportion to weights; the "
                "others choose for each token: uniform, zipf: expert i by 1 / rank(i)^s, trace: from a file, markov: the experts of the "
                "layer before with a chance of markov_stay, else zipf"));
  v.field("weights", c.weights, defaulted("routing given: one weight an expert").range(0, 1e9));
  v.field("zipf_s", c.zipf_s, defaulted("routing zipf and markov: exponent; 0 is uniform").range(0, 10));
  v.field("markov_stay", c.markov_stay,
          defaulted("routing markov: chance that a token's expert follows from the layer before").range(0, 1));
  v.field("seed", c.seed, defaulted("of what is drawn").range(0, 1e15));
  v.field("trace_file", c.trace_file, defaulted("routing trace: CSV of layer, step, token, experts (`3;7`), beside this file"));
}

/// Rows of each expert when `tokens` tokens are routed in step `step`; they sum to tokens * top_k, and none has more than `tokens`.
/// Expected routing keeps E * (1 - (1 - k / E)^tokens) experts busy (uniform independent choice), others with each step.
/// @param layer of which the routing is; expected and given routing are the same in all
std::vector<std::int64_t> expert_rows(const MoeConfig& moe, std::int64_t tokens, std::int64_t step, int layer = 0);

/// Share of the routed rows that each expert gets in the long run; of a trace, in the trace.
std::vector<double> expected_load(const MoeConfig& moe);

/// Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434): K and V of all heads come from one latent vector a token.
struct MlaConfig {
  std::int64_t q_rank = 0;  ///< low rank of Q; 0: none
  std::int64_t kv_rank = 0;
  std::int64_t rope_dim = 0;
  std::int64_t nope_dim = 0;
  std::int64_t v_dim = 0;
  bool absorbed = true;
  bool value_copy = false;
};
template <class Visitor>
void fields(Visitor& v, MlaConfig& c) {
  v.field("q_rank", c.q_rank, defaulted("width of the queries' latent; 0: queries come from the hidden state").range(0, 1 << 20));
  v.field("kv_rank", c.kv_rank, required("width of the latent of K and V").range(1, 1 << 20));
  v.field("rope_dim", c.rope_dim, required("part of a head that is rotated; of K one for all heads").range(1, 4096));
  v.field("nope_dim", c.nope_dim, required("part of a head that is not").range(1, 4096));
  v.field("v_dim", c.v_dim, required("width of a head of V").range(1, 4096));
  v.field("absorbed", c.absorbed,
          defaulted("the latent is cached, and the up-projections of K and V are applied to queries and results; off: K and V of all heads "
                    "are made from it and cached"));
  v.field("value_copy", c.value_copy,
          defaulted("absorbed: the latent is cached a second time for V, by column, as PEs read it without partial sums"));
}

/// Attention that does not reach over the whole context.
struct WindowConfig {
  std::int64_t tokens = 0;
  bool chunked = false;
  int full_every = 0;
};
template <class Visitor>
void fields(Visitor& v, WindowConfig& c) {
  v.field("tokens", c.tokens, required("tokens a token attends to at most, itself included").range(1, 1 << 24).in("token"));
  v.field("chunked", c.chunked, defaulted("only those of its own chunk of so many tokens"));
  v.field("full_every", c.full_every, defaulted("every n-th layer attends to all, the n-th first; 0: none does").range(0, 4096));
}

/// Biases of the weight GEMMs; they count as parameters, and cost nothing besides.
struct BiasConfig {
  bool qkv = false;
  bool o = false;
  bool ffn = false;
  bool lm_head = false;
};
template <class Visitor>
void fields(Visitor& v, BiasConfig& c) {
  v.field("qkv", c.qkv, defaulted("Q, K and V"));
  v.field("o", c.o, defaulted("attention's output"));
  v.field("ffn", c.ffn, defaulted("FFN, router and experts"));
  v.field("lm_head", c.lm_head, defaulted("LM head"));
}

/// Layers that are alike: one of them stands for all.
struct LayerClass {
  int first = 0;
  std::int64_t count = 0;
  bool experts = false;     ///< else one FFN
  std::int64_t window = 0;  ///< tokens attention reaches; 0: all
  bool chunked = false;

  /// Tokens of a context of `context` that its last `tokens` attend to together.
  std::int64_t reach(std::int64_t context, std::int64_t tokens) const;
};

struct GivenGraphs;

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
  bool pre_norms = true;
  bool second_norm = false;         ///< of a parallel block: the FFN has a norm of its own
  bool norm_bias = false;           ///< norms have a bias besides their weight
  bool qk_norm_whole = false;       ///< qk_norm has a weight for every column, not one for those of a head
  std::int64_t value_head_dim = 0;  ///< 0: head_dim
  std::optional<WindowConfig> window;
  std::optional<MlaConfig> mla;
  std::optional<MoeConfig> moe;
  BiasConfig biases;
  bool attention_sinks = false;
  ElementBits bits;
  std::shared_ptr<const GivenGraphs> given;  ///< of a bondsim.graph/1 file: its graphs take the place of the template's

  std::int64_t value_dim() const { return value_head_dim > 0 ? value_head_dim : head_dim; }
  std::int64_t query_columns() const { return query_heads * head_dim; }
  std::int64_t kv_columns() const { return kv_heads * head_dim; }
  /// Columns of what attention gives.
  std::int64_t value_columns() const { return query_heads * value_dim(); }
  /// Layers that have an FFN although others have experts.
  std::int64_t dense_layers() const;
  LayerClass class_of(int layer) const;
  /// In the order of their first layers.
  std::vector<LayerClass> classes() const;
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
  v.field("pre_norms", c.pre_norms, defaulted("attention and FFN are normalised before"));
  v.field("second_norm", c.second_norm, defaulted("parallel_block: the FFN has a norm of its own"));
  v.field("norm_bias", c.norm_bias, defaulted("norms have a bias, which counts as parameters"));
  v.field("qk_norm_whole", c.qk_norm_whole, defaulted("qk_norm: a weight for every column, which counts as parameters"));
  v.field("value_head_dim", c.value_head_dim, defaulted("width of a head of V; 0: head_dim").range(0, 4096));
  v.section("window", c.window, defaulted("attention to the last tokens alone"));
  v.section("mla", c.mla, defaulted("multi-head latent attention: kv_heads, head_dim and value_head_dim follow from it"));
  v.section("moe", c.moe, defaulted("experts in place of the FFN"));
  v.section("biases", c.biases, defaulted("biases, which count as parameters"));
  v.field("attention_sinks", c.attention_sinks, defaulted("a learned sink a head joins the softmax; it counts as a parameter"));
  v.section("bits", c.bits, defaulted("element size of each operand"));
}

/// Reads a `schema: bondsim.model/1` or `bondsim.graph/1` file, or a Hugging Face config.json (see hugging_face.hpp).
/// @throws ConfigError, also when the numbers do not fit together.
Model decode_model(const ConfigNode& node);

}  // namespace bondsim
