#include "mapping/llm/model.hpp"

namespace bondsim {
namespace {

const ConfigNode& at(const ConfigNode& node, const char* key) {
  const ConfigNode* child = node.find(key);
  return child != nullptr ? *child : node;
}

void require_byte_fraction(const ConfigNode& node, const char* key, int bits) {
  if (bits == 4 || bits % 8 == 0) return;
  const ConfigNode* section = node.find("bits");
  config_error(section != nullptr ? at(*section, key) : node, std::string("model.bits.") + key,
               fmt::format("{} bit elements are not supported, allowed: 4, 8, 16, 24, 32", bits));
}

}  // namespace

Model decode_model(const ConfigNode& node) {
  const auto model = decode_document<Model>(node, "model", "bondsim.model/1");
  if (model.query_heads % model.kv_heads != 0) {
    config_error(at(node, "kv_heads"), "model.kv_heads",
                 fmt::format("{} does not divide query_heads = {}, allowed: its divisors", model.kv_heads, model.query_heads));
  }
  require_byte_fraction(node, "activation", model.bits.activation);
  require_byte_fraction(node, "weight", model.bits.weight);
  require_byte_fraction(node, "kv", model.bits.kv);
  require_byte_fraction(node, "output", model.bits.output);
  require_byte_fraction(node, "accumulator", model.bits.accumulator);
  return model;
}

}  // namespace bondsim
