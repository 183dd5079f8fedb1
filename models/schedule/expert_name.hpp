#pragma once
#include <optional>
#include <string>

namespace bondsim {

/// Number of the expert that an operator belongs to: 12 of `e12.f1`; nothing for other operators.
std::optional<int> expert_of(const std::string& op);

}  // namespace bondsim
