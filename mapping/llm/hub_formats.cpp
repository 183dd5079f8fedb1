#include "mapping/llm/hub_formats.hpp"

#include <algorithm>

namespace bondsim {
namespace {

std::int64_t count_or(const ConfigNode& node, const char* key, std::int64_t otherwise) {
  const ConfigNode* child = node.find(key);
  return child == nullptr ? otherwise : parse_integer(*child, std::string("model.quantization_config.") + key);
}

/// Integers in groups with an fp16 scale and a zero point of their own width.
Format grouped(const ConfigNode& node) {
  const std::int64_t bits = count_or(node, node.find("bits") != nullptr ? "bits" : "w_bit", 4);
  const std::int64_t group = count_or(node, node.find("group_size") != nullptr ? "group_size" : "q_group_size", 128);
  if (bits != 4 && bits != 8) {
    config_error(node, "model.quantization_config.bits", fmt::format("{}, allowed: 4, 8", bits));
  }
  Format f;
  f.number = bits == 4 ? Number::int4 : Number::int8;
  f.scale_bits = 16;
  f.zero_point_bits = static_cast<int>(bits);
  f.block = static_cast<int>(group);
  if (group == -1) {  // one a column: below 0.2 % of the bits
    f.block = 1;
    f.scale_bits = f.zero_point_bits = 0;
  } else if (group < 16 || (group & (group - 1)) != 0) {
    config_error(node, "model.quantization_config.group_size", fmt::format("{}, allowed: -1, or a power of two from 16 on", group));
  }
  return f;
}

Element shipped(const std::string& name) {
  const auto& all = shipped_formats();
  const auto at = std::find_if(all.begin(), all.end(), [&](const Format& f) { return f.name == name; });
  check(at != all.end(), "no format {}", name);
  return at->element();
}

void leave(OperandFormat& f, const std::vector<std::string>& operators, const Element& element) {
  for (const std::string& op : operators) {
    f.by_operator.emplace_back(op, element);
    f.text += fmt::format(", {}: {}", op, element);
  }
}

}  // namespace

OperandFormat quantized_weights(const ConfigNode& node, const Element& element) {
  const ConfigNode* method = node.find("quant_method");
  if (method == nullptr) config_error(node, "model.quantization_config.quant_method", "missing, allowed: awq, gptq, fp8, mxfp4");
  if (method->text == "mxfp4") {
    OperandFormat f(element);
    leave(f, {"experts"}, shipped("mxfp4"));
    return f;
  }
  OperandFormat f(element);
  if (method->text == "awq" || method->text == "gptq") {
    f = grouped(node).element();
  } else if (method->text == "fp8") {
    f = shipped(node.find("weight_block_size") != nullptr ? "fp8_e4m3_b128" : "fp8_e4m3");
  } else {
    config_error(*method, "model.quantization_config.quant_method",
                 fmt::format("'{}' is not known, allowed: awq, gptq, fp8, mxfp4; or write `bits` (see configs/formats)", method->text));
  }
  leave(f, {"embedding", "lm_head", "router"}, element);
  return f;
}

}  // namespace bondsim
