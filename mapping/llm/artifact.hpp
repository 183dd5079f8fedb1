#pragma once
#include "mapping/llm/model.hpp"

namespace bondsim {

/// Reads the operator graph file of the published H2-LLM artifact, `{"node": {name: id}, "edge": [[a, b], ...]}`, and the shape.json beside
/// it, an object with the layer's sizes under any of their usual names (hidden_size, intermediate_size, num_attention_heads,
/// num_key_value_heads, num_hidden_layers, vocab_size, max_position_embeddings, head_dim).
/// The graph must be that of one of the layers bondsim builds: with or without a gate, sequential or parallel. It has GEMMs only; what
/// lies between them is taken as usual for its kind (ASSUMED): a gate comes with SiLU, RMSNorm and rotary embedding, none with ReLU,
/// LayerNorm and learned positions.
/// @throws ConfigError naming the node, edge or size that is unknown or missing.
Model decode_artifact(const ConfigNode& graph);

}  // namespace bondsim
