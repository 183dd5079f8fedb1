#pragma once
#include <cstdint>
#include <string>
#include <type_traits>

#include "models/base/fields.hpp"
#include "models/base/quantity.hpp"

namespace bondsim {

/// What a multiplier takes; `any`: a width alone is known, and every engine multiplies it at its base rate.
enum class Number : std::uint8_t { any, fp32, fp16, bf16, fp8, int8, fp6, fp4, int4 };
template <>
inline constexpr EnumEntry<Number> enum_names<Number>[] = {{"any", Number::any},   {"fp32", Number::fp32}, {"fp16", Number::fp16},
                                                           {"bf16", Number::bf16}, {"fp8", Number::fp8},   {"int8", Number::int8},
                                                           {"fp6", Number::fp6},   {"fp4", Number::fp4},   {"int4", Number::int4}};
/// Bits of a number itself; 0 for `any`.
int payload_bits(Number number);

/// An operand's element: bits it takes in memory (payload, and its share of scales, zero points and sparsity indices) and the number an
/// engine multiplies. Made from a whole number of bits it says nothing about the number.
struct Element {
  static constexpr std::int64_t unit = 1024;  ///< parts of a bit
  std::int32_t parts = 16 * unit;
  Number number = Number::any;
  std::uint8_t kept = 1;  ///< sparsity: of every `of` elements along K, `kept` are stored and may be non-zero
  std::uint8_t of = 1;

  constexpr Element() = default;
  constexpr Element(int bits) : parts(static_cast<std::int32_t>(bits * unit)) {}  // NOLINT: 16 is an element of 16 bits
  constexpr double bits() const { return static_cast<double>(parts) / unit; }
  constexpr bool sparse() const { return kept != of; }
  constexpr bool whole_bytes() const { return parts % (8 * unit) == 0; }
  /// One number for each different element, for keys of maps.
  constexpr std::int64_t key() const {
    return (static_cast<std::int64_t>(parts) << 24) | (static_cast<std::int64_t>(number) << 16) | (kept << 8) | of;
  }
};
constexpr bool operator==(const Element& a, const Element& b) { return a.key() == b.key(); }
constexpr bool operator!=(const Element& a, const Element& b) { return a.key() != b.key(); }

/// Bits of so many elements: whole bits, rounded up, of a whole number; exact of a real one.
template <class T, class = std::enable_if_t<std::is_arithmetic_v<T>>>
constexpr auto operator*(T elements, const Element& e) {
  if constexpr (std::is_integral_v<T>) {
    return (static_cast<std::int64_t>(elements) * e.parts + Element::unit - 1) / Element::unit;
  } else {
    return elements * e.bits();
  }
}
template <class T, class = std::enable_if_t<std::is_arithmetic_v<T>>>
constexpr auto operator*(const Element& e, T elements) {
  return elements * e;
}
/// Elements that so many bits hold.
constexpr std::int64_t operator/(std::int64_t bits, const Element& e) { return bits * Element::unit / e.parts; }
constexpr double operator/(const Element& e, double by) { return e.bits() / by; }

/// `16`, `int4:4.15625`, `fp16:9:2/4`: a whole width alone, or number, bits and sparsity.
std::string element_text(const Element& element);
/// Reads it back. @throws ConfigError without a place, for the reader to add
Element parse_element(const std::string& text);

/// Bytes that `elements` elements take, packed; the last byte may be part full.
inline std::int64_t bytes_of(std::int64_t elements, const Element& e) { return ceil_div(elements * e.parts, 8 * Element::unit); }

}  // namespace bondsim

/// As element_text().
template <>
struct fmt::formatter<bondsim::Element> : fmt::formatter<std::string> {
  template <class Context>
  auto format(const bondsim::Element& e, Context& context) const {
    return fmt::formatter<std::string>::format(bondsim::element_text(e), context);
  }
};
