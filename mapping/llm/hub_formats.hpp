#pragma once
#include "mapping/llm/format.hpp"

namespace bondsim {

/// Formats of the weights by a hub file's `quantization_config`: AWQ and GPTQ (bits, group_size), fp8, mxfp4. What a method leaves as it
/// was has `element`: embedding, LM head and router, and of mxfp4 all but the experts.
/// @throws ConfigError
OperandFormat quantized_weights(const ConfigNode& node, const Element& element);

}  // namespace bondsim
