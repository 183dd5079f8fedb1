#include "models/base/multiply.hpp"

namespace bondsim {

std::optional<Multiplication> multiplication(const std::vector<MultiplyConfig>& list, const Element& activation,
                                             const Element& stationary) {
  if (activation.number == Number::any && stationary.number == Number::any) return Multiplication{};
  const Number a = activation.number, w = stationary.number;
  for (const bool sparse : {true, false}) {
    if (sparse && !stationary.sparse()) continue;
    for (const MultiplyConfig& entry : list) {
      if (entry.activation != a || entry.weight != w || entry.sparse != sparse) continue;
      Multiplication m{entry.rate, entry.conversion, sparse, a, entry.conversion == Conversion::native ? w : a};
      // Zeros are put in where the weights lie in the activations' number but sparse.
      if (stationary.sparse() && !sparse && m.conversion == Conversion::native) m.conversion = Conversion::stage;
      return m;
    }
  }
  const bool base = a == Number::fp16 || a == Number::bf16 || a == Number::any;
  if (!base) return std::nullopt;
  return Multiplication{1, w == a && !stationary.sparse() ? Conversion::native : Conversion::stage, false, a, a};
}

Multiplication known_multiplication(const std::vector<MultiplyConfig>& list, const Element& activation, const Element& stationary) {
  const auto found = multiplication(list, activation, stationary);
  check(found.has_value(), "{} x {} is multiplied by an engine that does not take it", activation, stationary);
  return *found;
}

std::string pairs_text(const std::vector<MultiplyConfig>& list) {
  std::string text = "fp16 or bf16 with any";
  for (const MultiplyConfig& m : list)
    text += fmt::format(", {} x {}{}", enum_name(m.activation), enum_name(m.weight), m.sparse ? " sparse" : "");
  return text;
}

}  // namespace bondsim
