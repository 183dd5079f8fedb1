#pragma once
#include "mapping/llm/model.hpp"

namespace bondsim {

/// What a model is in numbers, all layers together.
struct ModelSize {
  std::int64_t parameters = 0;        ///< elements of weight matrices, norms, biases, embeddings and positions; tied ones once
  std::int64_t weight_bytes = 0;      ///< of these in their formats, as a file has them: vectors (norms, biases) at 16 bits
  std::int64_t kv_bytes = 0;          ///< of the caches, for one more token of the context
  std::int64_t fixed_kv_bytes = 0;    ///< of caches whose context is fixed, for one request
  std::int64_t macs_per_token = 0;    ///< of weight matrices and the LM head, for one token; of experts the top_k and the shared ones
  std::int64_t macs_per_context = 0;  ///< of attention besides, for each token of the context within reach of all layers
};
ModelSize model_size(const Model& model);

}  // namespace bondsim
