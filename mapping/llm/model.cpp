#include "mapping/llm/model.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "mapping/llm/artifact.hpp"
#include "mapping/llm/hugging_face.hpp"

namespace bondsim {
namespace {

const ConfigNode& at(const ConfigNode& node, const char* key) {
  const ConfigNode* child = node.find(key);
  return child != nullptr ? *child : node;
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

}  // namespace

FieldInfo format_info(const char* doc) {
  return defaulted(doc).range(4, 32).in("bit").shaped(
      "whole bits (4, 8, 16, 24, 32), a format by name (bondsim list formats), or a map of these by operator with a default",
      R"({"type": ["integer", "string", "object"]})");
}

std::vector<std::int64_t> expert_rows(const MoeConfig& moe, std::int64_t tokens, std::int64_t step) {
  const auto experts = static_cast<std::size_t>(moe.experts);
  std::vector<std::int64_t> rows(experts, 0);
  std::vector<double> weights = moe.weights;
  if (moe.routing == Routing::expected) {
    const double share = static_cast<double>(moe.top_k) / moe.experts;
    const double busy = moe.experts * (1.0 - std::pow(1.0 - share, static_cast<double>(tokens)));
    const auto active = static_cast<std::size_t>(std::max<long>(moe.top_k, std::lround(busy)));
    weights.assign(experts, 0.0);
    for (std::size_t i = 0; i < active; ++i) weights[(static_cast<std::size_t>(step) * active + i) % experts] = 1.0;
  }
  // Row by row to the expert that is furthest behind its share and has room: proportional, whole, and at most `tokens` each.
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  const auto want = [&](std::size_t e) { return weights[e] / total * static_cast<double>(tokens * moe.top_k); };
  std::int64_t left = tokens * moe.top_k;
  for (std::size_t e = 0; e < experts; ++e) {
    rows[e] = std::min(tokens, static_cast<std::int64_t>(std::floor(want(e))));
    left -= rows[e];
  }
  for (; left > 0; --left) {
    std::size_t best = experts;
    for (std::size_t e = 0; e < experts; ++e) {
      if (weights[e] <= 0 || rows[e] >= tokens) continue;
      if (best == experts || want(e) - static_cast<double>(rows[e]) > want(best) - static_cast<double>(rows[best])) best = e;
    }
    check(best < experts, "{} routed rows have no expert left", left);
    ++rows[best];
  }
  return rows;
}

Model decode_model(const ConfigNode& node) {
  const bool foreign = node.find("schema") == nullptr && node.find("model_type") != nullptr;
  const bool artifact = node.find("schema") == nullptr && node.find("node") != nullptr && node.find("edge") != nullptr;
  auto model = artifact  ? decode_artifact(node)
               : foreign ? decode_hugging_face(node)
                         : decode_document<Model>(node, "model", "bondsim.model/1");
  const char* heads = foreign ? "num_key_value_heads" : "kv_heads";
  if (model.query_heads % model.kv_heads != 0) {
    config_error(at(node, heads), std::string("model.") + heads,
                 fmt::format("{} does not divide query_heads = {}, allowed: its divisors", model.kv_heads, model.query_heads));
  }
  name_numbers(model.bits);
  require_moe(node, model);
  return model;
}

}  // namespace bondsim
