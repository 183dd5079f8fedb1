#pragma once
#include "mapping/llm/model.hpp"
#include "models/system/system.hpp"

namespace bondsim {

/// @throws ConfigError when the arrays, or the PEs of a kind of channels, do not multiply the formats of a GEMM of the model.
void require_formats(const System& system, const Model& model);

}  // namespace bondsim
