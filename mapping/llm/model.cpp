#include "mapping/llm/model.hpp"

#include <algorithm>
#include <optional>
#include <type_traits>

#include "mapping/llm/artifact.hpp"
#include "mapping/llm/graph_file.hpp"
#include "mapping/llm/hugging_face.hpp"
#include "mapping/llm/routing.hpp"

namespace bondsim {
namespace {

const ConfigNode& at(const ConfigNode& node, const char* key) {
  const ConfigNode* child = node.find(key);
  return child != nullptr ? *child : node;
}

/// Heads as attention sees them: absorbed, one K head of latent and rotated part, whose latent is V too.
void apply_mla(Model& m) {
  if (!m.mla) return;
  const MlaConfig& mla = *m.mla;
  m.kv_heads = mla.absorbed ? 1 : m.query_heads;
  m.head_dim = (mla.absorbed ? mla.kv_rank : mla.nope_dim) + mla.rope_dim;
  m.value_head_dim = mla.absorbed ? mla.kv_rank : mla.v_dim;
}

/// Where one operand says what number it is, the others do too.
void name_numbers(ElementBits& bits) {
  std::vector<OperandFormat*> all = {&bits.activation, &bits.weight, &bits.kv, &bits.output};
  if (std::none_of(all.begin(), all.end(), [](const OperandFormat* f) { return f->has_numbers(); })) return;
  for (OperandFormat* f : all) f->name_numbers();
}

void require_moe(const ConfigNode& node, const Model& model) {
  if (!model.moe) return;
  const ConfigNode& where = at(node, "moe");
  if (model.moe->top_k > model.moe->experts) {
    config_error(where, "model.moe.top_k",
                 fmt::format("{} of {} experts, allowed: at most as many as there are", model.moe->top_k, model.moe->experts));
  }
  const bool given = model.moe->routing == Routing::given;
  const auto& weights = model.moe->weights;
  if (given != !weights.empty() || (given && static_cast<int>(weights.size()) != model.moe->experts)) {
    config_error(
        where, "model.moe.weights",
        fmt::format("{} weights, allowed: one for each of {} experts with routing given, else none", weights.size(), model.moe->experts));
  }
  const auto used = std::count_if(weights.begin(), weights.end(), [](double w) { return w > 0; });
  if (given && used < model.moe->top_k) config_error(where, "model.moe.weights", "fewer experts with a weight above 0 than top_k");
}

/// A layer of experts that a trace leaves out goes by the rows of layer -1.
void require_traced_layers(const ConfigNode& where, const Model& model) {
  const RoutingTrace& trace = *model.moe->trace;
  if (trace.count({-1, 0, 0}) > 0) return;
  for (int layer = 0; layer < model.layers; ++layer) {
    if (!model.moe->in_layer(layer) || trace.count({layer, 0, 0}) > 0) continue;
    config_error(where, "model.moe.trace_file",
                 fmt::format("{} has no rows of layer {}, allowed: rows of every layer with experts, or of layer -1 for those without",
                             model.moe->trace_file, layer));
  }
}

/// Holds what another format's file gives to the ranges of our own: its keys were read, what follows from them was not.
class RangeCheck {
 public:
  explicit RangeCheck(const ConfigNode& node) : node_(node) {}
  template <class T>
  void field(const char* key, const T& value, const FieldInfo& info) {
    if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) {
      const auto number = static_cast<double>(value);
      if (number >= info.min && number <= info.max) return;
      config_error(node_, std::string("model.") + key,
                   fmt::format("{} follows from the file, allowed: {} to {}", value, info.min, info.max));
    }
  }
  template <class T>
  void section(const char*, std::optional<T>& value, const FieldInfo&) {
    if (value) fields(*this, *value);
  }
  template <class T>
  void section(const char*, T&, const FieldInfo&) {}

 private:
  const ConfigNode& node_;
};

}  // namespace

FieldInfo format_info(const char* doc) {
  return defaulted(doc).range(4, 32).in("bit").shaped(
      "whole bits (4, 8, 16, 24, 32), a format by name (bondsim list formats), or a map of these by operator with a default",
      R"({"type": ["integer", "string", "object"]})");
}

std::int64_t LayerClass::reach(std::int64_t context, std::int64_t tokens) const {
  if (window == 0) return context;
  if (chunked) return context - (context - tokens) / window * window;  // from where the first one's chunk begins
  return std::min(context, window + tokens - 1);
}

LayerClass Model::class_of(int layer) const {
  LayerClass c;
  c.first = layer;
  c.count = 1;
  c.experts = moe && moe->in_layer(layer);
  if (window && (window->full_every == 0 || (layer + 1) % window->full_every != 0)) {
    c.window = window->tokens;
    c.chunked = window->chunked;
  }
  return c;
}

std::vector<LayerClass> Model::classes() const {
  std::vector<LayerClass> out;
  for (int layer = 0; layer < layers; ++layer) {
    const LayerClass c = class_of(layer);
    const auto same = [&](const LayerClass& o) { return o.experts == c.experts && o.window == c.window; };
    const auto known = std::find_if(out.begin(), out.end(), same);
    if (known != out.end()) {
      ++known->count;
    } else {
      out.push_back(c);
    }
  }
  return out;
}

std::int64_t Model::dense_layers() const {
  std::int64_t dense = 0;
  for (const LayerClass& c : classes()) dense += c.experts ? 0 : c.count;
  return moe ? dense : 0;
}

Model decode_model(const ConfigNode& node) {
  const bool foreign = node.find("schema") == nullptr && node.find("model_type") != nullptr;
  const bool artifact = node.find("schema") == nullptr && node.find("node") != nullptr && node.find("edge") != nullptr;
  const ConfigNode* tag = node.find("schema");
  auto model = tag != nullptr && tag->text == "bondsim.graph/1" ? decode_graph_file(node)
               : artifact                                       ? decode_artifact(node)
               : foreign                                        ? decode_hugging_face(node)
                                                                : decode_document<Model>(node, "model", "bondsim.model/1");
  if (foreign || artifact) {
    RangeCheck check(node);
    fields(check, model);
  }
  const char* heads = foreign ? "num_key_value_heads" : "kv_heads";
  if (model.query_heads % model.kv_heads != 0) {
    config_error(at(node, heads), std::string("model.") + heads,
                 fmt::format("{} does not divide query_heads = {}, allowed: its divisors", model.kv_heads, model.query_heads));
  }
  name_numbers(model.bits);
  require_moe(node, model);
  apply_mla(model);
  if (model.moe && model.moe->routing == Routing::trace) {
    const ConfigNode& where = at(node, "moe");
    if (model.moe->trace_file.empty()) config_error(where, "model.moe.trace_file", "missing, routing trace needs it");
    model.moe->trace = read_routing_trace(directory_of(where), *model.moe);
    require_traced_layers(where, model);
  }
  return model;
}

}  // namespace bondsim
