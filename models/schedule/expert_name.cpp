#include "models/schedule/expert_name.hpp"

namespace bondsim {

std::optional<int> expert_of(const std::string& op) {
  constexpr std::size_t most_digits = 9;
  const std::size_t dot = op.find('.');
  const bool expert =
      dot != std::string::npos && dot > 1 && dot <= 1 + most_digits && op[0] == 'e' && op.find_first_not_of("0123456789", 1) == dot;
  return expert ? std::optional(std::stoi(op.substr(1, dot - 1))) : std::nullopt;
}

}  // namespace bondsim
