#include "mapping/llm/hugging_face.hpp"

#include <algorithm>

namespace bondsim {
namespace {

/// Properties that follow from `model_type` and stand nowhere in the file.
struct Architecture {
  const char* type;
  bool gated_ffn;
  bool parallel_block;
  bool tied_by_default;
  NormKind norm;
  PositionKind position;
};

const std::vector<Architecture>& architectures() {
  static const std::vector<Architecture> list = {{"opt", false, false, true, NormKind::layer_norm, PositionKind::learned},
                                                 {"llama", true, false, false, NormKind::rms_norm, PositionKind::rotary},
                                                 {"mistral", true, false, false, NormKind::rms_norm, PositionKind::rotary},
                                                 {"mixtral", true, false, false, NormKind::rms_norm, PositionKind::rotary},
                                                 {"qwen2", true, false, false, NormKind::rms_norm, PositionKind::rotary},
                                                 {"qwen3", true, false, false, NormKind::rms_norm, PositionKind::rotary},
                                                 {"gemma", true, false, true, NormKind::rms_norm, PositionKind::rotary},
                                                 {"gemma2", true, false, true, NormKind::rms_norm, PositionKind::rotary},
                                                 {"phi", false, true, false, NormKind::layer_norm, PositionKind::rotary}};
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
  config_error(type, "model.model_type",
               fmt::format("'{}' is not known, allowed: {}", type.text, fmt::join(hugging_face_architectures(), ", ")));
}

/// Keys that would change the operator graph in ways it has no words for.
void reject_unsupported(const HubFile& file) {
  for (const char* key : {"quantization_config", "kv_lora_rank", "q_lora_rank", "n_shared_experts", "n_routed_experts", "num_experts",
                          "attention_chunk_size", "text_config"}) {
    const ConfigNode* child = file.find(key);
    if (child != nullptr) config_error(*child, std::string("model.") + key, "not supported; write a bondsim.model/1 file for this model");
  }
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

int element_bits(const HubFile& file) {
  const ConfigNode* type = file.find("torch_dtype");
  if (type == nullptr) type = file.find("dtype");
  if (type == nullptr || type->text == "float16" || type->text == "bfloat16") return 16;
  if (type->text == "float32") return 32;
  config_error(*type, "model.torch_dtype", "'" + type->text + "' is not known, allowed: float16, bfloat16, float32");
}

std::int64_t longest_context(const HubFile& file, const std::string& type) {
  const std::int64_t positions = file.count("max_position_embeddings");
  const bool windowed = type == "mistral" || type == "mixtral" || type == "gemma2";
  return windowed ? std::min(positions, file.count_or("sliding_window", positions)) : positions;
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

Model decode_hugging_face(const ConfigNode& node) {
  const HubFile file(node);
  const Architecture& a = architecture_of(file);
  const std::string type = a.type;
  reject_unsupported(file);
  Model m;
  m.name = name_of(file, type);
  m.layers = static_cast<int>(file.count("num_hidden_layers"));
  m.hidden = file.count("hidden_size");
  m.intermediate = file.count(type == "opt" ? "ffn_dim" : "intermediate_size");
  m.query_heads = file.count("num_attention_heads");
  m.kv_heads = file.count_or("num_key_value_heads", m.query_heads);
  m.head_dim = file.count_or("head_dim", m.hidden / m.query_heads);
  m.vocab = file.count("vocab_size");
  m.max_context = longest_context(file, type);
  m.gated_ffn = a.gated_ffn;
  m.parallel_block = a.parallel_block;
  m.tied_embeddings = file.flag_or("tie_word_embeddings", a.tied_by_default);
  m.activation = activation_of(file);
  m.norm = a.norm;
  m.position = a.position;
  m.qk_norm = type == "qwen3";
  m.post_norms = type == "gemma2";
  const ConfigNode* fraction = file.find("partial_rotary_factor");
  if (fraction != nullptr) m.rotary_fraction = parse_number(*fraction, "model.partial_rotary_factor");
  if (type == "mixtral") {
    m.moe.emplace();
    m.moe->experts = static_cast<int>(file.count("num_local_experts"));
    m.moe->top_k = static_cast<int>(file.count("num_experts_per_tok"));
  }
  if (type == "opt" && file.count_or("word_embed_proj_dim", m.hidden) != m.hidden) {
    config_error(file.require("word_embed_proj_dim"), "model.word_embed_proj_dim",
                 "embeddings narrower than the hidden size are not supported");
  }
  const int bits = element_bits(file);
  m.bits = {bits, bits, bits, bits, 32};
  if (const ConfigNode* section = file.find("bits")) Decoder::decode_struct(*section, "model.bits", m.bits);
  return m;
}

}  // namespace bondsim
