#include "mapping/llm/hugging_face.hpp"

#include <algorithm>
#include <initializer_list>

#include "mapping/llm/hub_formats.hpp"

namespace bondsim {
namespace {

constexpr NormKind layer_norm = NormKind::layer_norm, rms_norm = NormKind::rms_norm;
constexpr PositionKind learned = PositionKind::learned, rotary = PositionKind::rotary;

/// Properties that follow from `model_type` and stand nowhere in the file.
struct Architecture {
  const char* type;
  bool gated_ffn;
  bool parallel_block;
  bool tied_by_default;
  NormKind norm;
  PositionKind position;
  BiasConfig biases;  ///< unless the file says otherwise
};

const std::vector<Architecture>& architectures() {
  constexpr BiasConfig none{}, all{true, true, true, false}, qkv{true, false, false, false};
  static const std::vector<Architecture> list = {{"opt", false, false, true, layer_norm, learned, all},
                                                 {"llama", true, false, false, rms_norm, rotary, none},
                                                 {"mistral", true, false, false, rms_norm, rotary, none},
                                                 {"mixtral", true, false, false, rms_norm, rotary, none},
                                                 {"qwen2", true, false, false, rms_norm, rotary, qkv},
                                                 {"qwen3", true, false, false, rms_norm, rotary, none},
                                                 {"gemma", true, false, true, rms_norm, rotary, none},
                                                 {"gemma2", true, false, true, rms_norm, rotary, none},
                                                 {"gemma3_text", true, false, true, rms_norm, rotary, none},
                                                 {"phi", false, true, false, layer_norm, rotary, {true, true, true, true}},
                                                 {"phi3", true, false, false, rms_norm, rotary, none},
                                                 {"qwen2_moe", true, false, false, rms_norm, rotary, qkv},
                                                 {"qwen3_moe", true, false, false, rms_norm, rotary, none},
                                                 {"deepseek_v2", true, false, false, rms_norm, rotary, none},
                                                 {"deepseek_v3", true, false, false, rms_norm, rotary, none},
                                                 {"gpt_oss", true, false, false, rms_norm, rotary, all},
                                                 {"llama4_text", true, false, false, rms_norm, rotary, none},
                                                 {"glm4", true, false, false, rms_norm, rotary, none},
                                                 {"granite", true, false, true, rms_norm, rotary, none},
                                                 {"olmo2", true, false, false, rms_norm, rotary, none},
                                                 {"smollm3", true, false, true, rms_norm, rotary, none},
                                                 {"falcon", false, true, true, layer_norm, rotary, none},
                                                 {"gpt2", false, false, true, layer_norm, learned, all},
                                                 {"gptj", false, true, false, layer_norm, rotary, {false, false, true, true}},
                                                 {"gpt_neox", false, true, false, layer_norm, rotary, all},
                                                 {"starcoder2", false, false, true, layer_norm, rotary, all},
                                                 {"cohere", true, true, true, layer_norm, rotary, none}};
  return list;
}

/// Kinds of models that the operator graph has no words for: why, and what comes nearest.
const std::vector<std::pair<std::string, std::string>>& inexpressible() {
  const static std::string state =
      "its state-space or linear-attention layers keep a state instead of a K and V cache; nearest: a transformer of the "
      "same width and depth with a short `window`, or a bondsim.graph/1 file of its GEMMs";
  const static std::string encoder =
      "it has an encoder and cross attention; nearest: a bondsim.graph/1 file, or its decoder alone as bondsim.model/1";
  const static std::string vision =
      "it has a vision or audio tower; nearest: its `text_config` as a file of its own, when that is of a known type";
  static const std::vector<std::pair<std::string, std::string>> list = {
      {"mamba", state},           {"mamba2", state},          {"falcon_mamba", state}, {"jamba", state},   {"rwkv", state},
      {"recurrent_gemma", state}, {"zamba2", state},          {"qwen3_next", state},   {"t5", encoder},    {"mt5", encoder},
      {"bart", encoder},          {"whisper", encoder},       {"pegasus", encoder},    {"llava", vision},  {"mllama", vision},
      {"qwen2_vl", vision},       {"qwen2_5_vl", vision},     {"gemma3", vision},      {"llama4", vision}, {"mistral3", vision},
      {"paligemma", vision},      {"phi4_multimodal", vision}};
  return list;
}

/// The file's keys, read as they are asked for.
class HubFile {
 public:
  explicit HubFile(const ConfigNode& node) : node_(node) {}

  const ConfigNode* find(const char* key) const {
    const ConfigNode* child = node_.find(key);
    return child == nullptr || child->kind == ConfigNode::Kind::null || child->text == "null" ? nullptr : child;
  }
  const ConfigNode& require(const char* key) const {
    const ConfigNode* child = find(key);
    if (child == nullptr) config_error(node_, std::string("model.") + key, "missing, this architecture needs it");
    return *child;
  }
  std::int64_t count(const char* key) const {
    const ConfigNode& child = require(key);
    const std::int64_t value = parse_integer(child, std::string("model.") + key);
    if (value < 1 || value > (1 << 24))
      config_error(child, std::string("model.") + key, child.text + " is out of range, allowed: 1 to 16777216");
    return value;
  }
  /// The first key of those that the file has: families name one size differently.
  const char* one_of(std::initializer_list<const char*> keys) const {
    for (const char* key : keys) {
      if (find(key) != nullptr) return key;
    }
    return *keys.begin();
  }
  std::int64_t count_of(std::initializer_list<const char*> keys) const { return count(one_of(keys)); }
  const ConfigNode& node() const { return node_; }
  std::int64_t count_or(const char* key, std::int64_t otherwise) const { return find(key) != nullptr ? count(key) : otherwise; }
  bool flag_or(const char* key, bool otherwise) const {
    const ConfigNode* child = find(key);
    return child != nullptr ? parse_bool(*child, std::string("model.") + key) : otherwise;
  }

 private:
  const ConfigNode& node_;
};

const Architecture& architecture_of(const HubFile& file) {
  const ConfigNode& type = file.require("model_type");
  for (const Architecture& a : architectures()) {
    if (type.text == a.type) return a;
  }
  for (const auto& [name, why] : inexpressible()) {
    if (type.text == name) config_error(type, "model.model_type", fmt::format("'{}' cannot be expressed: {}", name, why));
  }
  config_error(type, "model.model_type",
               fmt::format("'{}' is not known, allowed: {}", type.text, fmt::join(hugging_face_architectures(), ", ")));
}

ActivationKind activation_of(const HubFile& file) {
  for (const char* key : {"hidden_activation", "hidden_act", "activation_function"}) {
    const ConfigNode* child = file.find(key);
    if (child == nullptr) continue;
    if (child->text == "relu") return ActivationKind::relu;
    if (child->text == "silu" || child->text == "swish") return ActivationKind::silu;
    if (child->text.rfind("gelu", 0) == 0) return ActivationKind::gelu;
    config_error(*child, std::string("model.") + key, "'" + child->text + "' is not known, allowed: relu, silu, gelu and its variants");
  }
  file.require("hidden_act");
  return ActivationKind::relu;
}

Element element_of(const HubFile& file) {
  const ConfigNode* type = file.find("torch_dtype");
  if (type == nullptr) type = file.find("dtype");
  if (type == nullptr || type->text == "float16" || type->text == "bfloat16") return 16;
  if (type->text == "float32") return 32;
  config_error(*type, "model.torch_dtype", "'" + type->text + "' is not known, allowed: float16, bfloat16, float32");
}

std::string name_of(const HubFile& file, const std::string& type) {
  const ConfigNode* name = file.find("_name_or_path");
  return name != nullptr && !name->text.empty() ? name->text : type;
}

}  // namespace

const std::vector<std::string>& hugging_face_architectures() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out;
    for (const Architecture& a : architectures()) out.emplace_back(a.type);
    return out;
  }();
  return names;
}

namespace {

void read_sizes(const HubFile& file, const std::string& type, Model& m) {
  m.layers = static_cast<int>(file.count_of({"num_hidden_layers", "n_layer"}));
  m.hidden = file.count_of({"hidden_size", "n_embd"});
  m.query_heads = file.count_of({"num_attention_heads", "n_head"});
  m.kv_heads = file.count_or("num_key_value_heads", m.query_heads);
  m.head_dim = file.count_or("head_dim", m.hidden / m.query_heads);
  m.vocab = file.count("vocab_size");
  if (type == "gpt2" || type == "gptj") {
    m.intermediate = file.count_or("n_inner", 4 * m.hidden);
  } else if (type == "falcon") {
    m.intermediate = file.count_or("ffn_hidden_size", 4 * m.hidden);
    const bool new_form = file.flag_or("new_decoder_architecture", false);
    m.kv_heads = new_form ? file.count_or("num_kv_heads", m.query_heads) : file.flag_or("multi_query", true) ? 1 : m.query_heads;
  } else if (type == "llama4_text") {
    m.intermediate = file.count_or("intermediate_size_mlp", file.count("intermediate_size"));
  } else {
    m.intermediate = file.count(type == "opt" ? "ffn_dim" : "intermediate_size");
  }
  const std::int64_t positions =
      type == "falcon" ? file.count_or("max_position_embeddings", 2048) : file.count_of({"max_position_embeddings", "n_positions"});
  m.max_context = positions;
}

/// Part of a head that is rotated, under the names of the families.
double rotary_fraction(const HubFile& file, const Model& m) {
  if (file.find("rotary_dim") != nullptr) return static_cast<double>(file.count("rotary_dim")) / static_cast<double>(m.head_dim);
  for (const char* key : {"partial_rotary_factor", "rotary_pct"}) {
    if (const ConfigNode* fraction = file.find(key)) return parse_number(*fraction, std::string("model.") + key);
  }
  return 1;
}

/// Layers that attend to a window; the files say it by pattern, by list, or by family.
void read_window(const HubFile& file, const std::string& type, Model& m) {
  const bool chunked = type == "llama4_text";
  const char* key = chunked ? "attention_chunk_size" : "sliding_window";
  if (file.find(key) == nullptr || !file.flag_or("use_sliding_window", true)) return;
  WindowConfig w;
  w.tokens = file.count(key);
  w.chunked = chunked;
  if (type == "gemma2" || type == "gpt_oss") w.full_every = 2;
  if (type == "gemma3_text") w.full_every = static_cast<int>(file.count_or("sliding_window_pattern", 6));
  if (chunked) w.full_every = static_cast<int>(file.count_or("no_rope_layer_interval", 4));
  if (const ConfigNode* types = file.find("layer_types")) {
    w.full_every = 0;
    for (std::size_t i = 0; i < types->items.size(); ++i) {
      if (types->items[i].text == "full_attention" && w.full_every == 0) w.full_every = static_cast<int>(i) + 1;
    }
    for (std::size_t i = 0; i < types->items.size(); ++i) {
      const bool full = w.full_every > 0 && (static_cast<int>(i) + 1) % w.full_every == 0;
      if ((types->items[i].text == "full_attention") != full) {
        config_error(types->items[i], "model.layer_types",
                     "layers with full attention at no regular distance, allowed: every n-th, the n-th first");
      }
    }
    if (w.full_every == 1) return;
  }
  if (w.tokens < m.max_context) m.window = w;
}

void read_latent(const HubFile& file, Model& m) {
  m.mla.emplace();
  m.mla->q_rank = file.find("q_lora_rank") != nullptr ? file.count("q_lora_rank") : 0;
  m.mla->kv_rank = file.count("kv_lora_rank");
  m.mla->rope_dim = file.count("qk_rope_head_dim");
  m.mla->nope_dim = file.count("qk_nope_head_dim");
  m.mla->v_dim = file.count("v_head_dim");
}

void read_experts(const HubFile& file, const std::string& type, Model& m) {
  const bool deepseek = type == "deepseek_v2" || type == "deepseek_v3";
  if (type != "mixtral" && type != "qwen2_moe" && type != "qwen3_moe" && type != "gpt_oss" && type != "llama4_text" && !deepseek) return;
  MoeConfig moe;
  moe.experts = static_cast<int>(file.count_of({"num_local_experts", "num_experts", "n_routed_experts"}));
  moe.top_k = static_cast<int>(file.count_of({"num_experts_per_tok", "experts_per_token"}));
  moe.intermediate = file.count_of({"moe_intermediate_size", "intermediate_size"});
  if (type == "qwen2_moe") {
    moe.shared_intermediate = file.count("shared_expert_intermediate_size");
    moe.shared_gate = true;
  }
  if (type == "llama4_text") {
    moe.shared_intermediate = moe.intermediate;
    moe.every = static_cast<int>(file.count_or("interleave_moe_layer_step", 1));
  }
  if (type == "qwen2_moe" || type == "qwen3_moe") moe.every = static_cast<int>(file.count_or("decoder_sparse_step", 1));
  if (deepseek) {
    const ConfigNode* shared = file.find("n_shared_experts");
    if (shared != nullptr) moe.shared_intermediate = file.count("n_shared_experts") * moe.intermediate;
    if (const ConfigNode* dense = file.find("first_k_dense_replace")) {
      moe.first_dense = static_cast<int>(parse_integer(*dense, "model.first_k_dense_replace"));
    }
    if (file.count_or("moe_layer_freq", 1) != 1) config_error(file.require("moe_layer_freq"), "model.moe_layer_freq", "allowed: 1");
  }
  if (const ConfigNode* only = file.find("mlp_only_layers"); only != nullptr && !only->items.empty()) {
    config_error(*only, "model.mlp_only_layers", "layers without experts by number, allowed: none, or every n-th (decoder_sparse_step)");
  }
  m.moe = moe;
}

void read_norms_and_biases(const HubFile& file, const Architecture& a, Model& m) {
  const std::string type = a.type;
  m.qk_norm = type == "qwen3" || type == "qwen3_moe" || type == "gemma3_text" || type == "olmo2" || file.flag_or("use_qk_norm", false);
  if (type == "llama4_text") m.qk_norm = false;  // its norm of Q and K has no weights, and costs what rotary embedding does
  m.qk_norm_whole = type == "olmo2";
  m.post_norms = type == "gemma2" || type == "gemma3_text" || type == "olmo2" || type == "glm4";
  m.pre_norms = type != "olmo2";
  m.second_norm = type == "gpt_neox" || (type == "falcon" && file.flag_or("new_decoder_architecture", false));
  m.norm_bias = a.norm == NormKind::layer_norm && type != "cohere";
  m.attention_sinks = type == "gpt_oss";
  m.biases = a.biases;
  if (file.find("attention_bias") != nullptr) {
    m.biases.qkv = file.flag_or("attention_bias", false);
    m.biases.o = m.biases.qkv && type != "glm4";
  }
  if (type == "llama" || type == "granite") m.biases.ffn = file.flag_or("mlp_bias", false);
  if (type == "starcoder2" && !file.flag_or("use_bias", true)) m.biases = {};
  if (type == "falcon" && file.flag_or("bias", false)) m.biases = {true, true, true, false};
}

}  // namespace

Model decode_hugging_face(const ConfigNode& node) {
  const HubFile file(node);
  const Architecture& a = architecture_of(file);
  const std::string type = a.type;
  Model m;
  m.name = name_of(file, type);
  read_sizes(file, type, m);
  m.gated_ffn = a.gated_ffn;
  m.parallel_block =
      type == "falcon" ? file.flag_or("parallel_attn", true) : a.parallel_block && file.flag_or("use_parallel_residual", true);
  m.tied_embeddings = file.flag_or("tie_word_embeddings", a.tied_by_default);
  m.activation = type == "falcon" && file.find("activation") == nullptr ? ActivationKind::gelu : activation_of(file);
  m.norm = a.norm;
  m.position = a.position;
  m.rotary_fraction = rotary_fraction(file, m);
  read_norms_and_biases(file, a, m);
  read_window(file, type, m);
  if (type == "deepseek_v2" || type == "deepseek_v3") {
    read_latent(file, m);
  } else if (const ConfigNode* latent = file.find("kv_lora_rank")) {
    config_error(*latent, "model.kv_lora_rank", "latent attention in a model of type " + type + ", allowed: deepseek_v2, deepseek_v3");
  }
  read_experts(file, type, m);
  if (type == "opt" && file.count_or("word_embed_proj_dim", m.hidden) != m.hidden) {
    config_error(file.require("word_embed_proj_dim"), "model.word_embed_proj_dim",
                 "embeddings narrower than the hidden size are not supported");
  }
  if (const ConfigNode* text = file.find("text_config")) {
    config_error(*text, "model.text_config", "a part of a model with other inputs than text, allowed: as a file of its own");
  }
  const Element element = element_of(file);
  m.bits = {element, element, element, element, 32};
  if (const ConfigNode* quantization = file.find("quantization_config")) m.bits.weight = quantized_weights(*quantization, element);
  if (const ConfigNode* section = file.find("bits")) Decoder::decode_struct(*section, "model.bits", m.bits);
  return m;
}

}  // namespace bondsim
