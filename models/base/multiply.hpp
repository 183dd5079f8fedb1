#pragma once
#include <optional>
#include <string>
#include <vector>

#include "models/base/element_bytes.hpp"
#include "models/base/fields.hpp"

namespace bondsim {

/// What happens to a stationary operand whose number is not the activations'.
enum class Conversion {
  native,       ///< the multipliers take the pair as it is
  stage,        ///< a stage before the multipliers makes it the activations' number, at their pace
  vector_units  ///< NPU: the vector units do, before the arrays
};
template <>
inline constexpr EnumEntry<Conversion> enum_names<Conversion>[] = {
    {"native", Conversion::native}, {"stage", Conversion::stage}, {"vector_units", Conversion::vector_units}};

/// A pair of numbers that an engine multiplies: an entry of `formats` of its section.
struct MultiplyConfig {
  Number activation = Number::fp16;
  Number weight = Number::fp16;
  bool sparse = false;
  double rate = 1;
  Conversion conversion = Conversion::native;
  std::string source;
};
template <class Visitor>
void fields(Visitor& v, MultiplyConfig& c) {
  v.field("activation", c.activation, required("number of the activations"));
  v.field("weight", c.weight, required("number of the stationary operand: weights, K or V"));
  v.field("sparse", c.sparse, defaulted("for N:M sparse weights: zeros are skipped, and `rate` counts them"));
  v.field("rate", c.rate, defaulted("MACs a cycle, as a multiple of the engine's FP16 rate").range(1.0 / 64, 64));
  v.field("conversion", c.conversion, defaulted("multiplied as it is, or made the activations' number first, and where"));
  v.field("source", c.source, required("where the rate comes from"));
}

/// How an engine multiplies a pair of operands.
struct Multiplication {
  double rate = 1;
  Conversion conversion = Conversion::native;
  bool skips_zeros = false;
  Number activation = Number::any;  ///< numbers that meet in the multiplier
  Number weight = Number::any;
  bool base() const { return rate == 1 && conversion == Conversion::native; }
};

/// The entry of `list` that fits; without one: widths alone and FP16 or BF16 with itself go at the base rate, 16 bit floating-point
/// activations meet any stationary operand, which a stage makes their number at the multipliers' pace; zeros of sparse weights are then
/// multiplied. Nothing for other activations: an engine multiplies only what it says.
std::optional<Multiplication> multiplication(const std::vector<MultiplyConfig>& list, const Element& activation, const Element& stationary);
/// The same where the plan has checked that there is one. @throws InternalError
Multiplication known_multiplication(const std::vector<MultiplyConfig>& list, const Element& activation, const Element& stationary);

/// Numbers an engine takes, for messages: `int8 x int8, fp16 x int4`.
std::string pairs_text(const std::vector<MultiplyConfig>& list);

}  // namespace bondsim
