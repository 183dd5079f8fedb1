#pragma once
#include <string>
#include <vector>

#include "mapping/llm/model.hpp"

namespace bondsim {

/// Reads a Hugging Face config.json of an architecture in hugging_face_architectures() (JSON is read as YAML). The element size is that
/// of `torch_dtype`; a section `bits`, which such a file does not have, may be added with an override.
/// Where every or every second layer attends to a sliding window only, the longest context is the window.
/// @throws ConfigError naming what is unknown or missing.
Model decode_hugging_face(const ConfigNode& node);

/// Values of `model_type` that are understood.
const std::vector<std::string>& hugging_face_architectures();

}  // namespace bondsim
