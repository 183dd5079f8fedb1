#pragma once
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/base/element_bytes.hpp"
#include "models/base/fields.hpp"

namespace bondsim {

/// N:M sparsity: of every `of` elements along K, `kept` are stored, each with an index.
struct SparsityConfig {
  int kept = 2;
  int of = 4;
  int index_bits = 2;
};
template <class Visitor>
void fields(Visitor& v, SparsityConfig& c) {
  v.field("kept", c.kept, required("elements of a group that are stored").range(1, 128));
  v.field("of", c.of, required("elements of a group, a power of two").range(2, 128));
  v.field("index_bits", c.index_bits, required("bits that say where a stored element stood").range(0, 8).in("bit"));
}

/// A number format of tensors: `schema: bondsim.format/1`, a file of configs/formats/. Elements lie along K; a block of them shares a scale
/// and a zero point.
struct Format {
  std::string name;
  Number number = Number::fp16;
  int block = 1;
  int scale_bits = 0;
  int zero_point_bits = 0;
  std::optional<SparsityConfig> sparsity;
  std::string source;

  /// Bits of an element with its part of what its block shares. @pre a multiple of 1/1024 bit
  Element element() const;
};
template <class Visitor>
void fields(Visitor& v, Format& c) {
  v.field("name", c.name, defaulted("name of the format"));
  v.field("number", c.number, required("what an element is, and what is multiplied"));
  v.field("block", c.block, defaulted("elements along K that share a scale and a zero point").range(1, 1 << 20));
  v.field("scale_bits", c.scale_bits, defaulted("scale of a block").range(0, 64).in("bit"));
  v.field("zero_point_bits", c.zero_point_bits, defaulted("zero point of a block").range(0, 64).in("bit"));
  v.section("sparsity", c.sparsity, defaulted("N:M sparsity"));
  v.field("source", c.source, defaulted("who defines it"));
}

/// Formats that come with bondsim (configs/formats/), by name. They are part of the program: the files are what it was built from.
const std::vector<Format>& shipped_formats();

/// The format of an operand: a width, a shipped format by name, a format written in place; or a map of these by operator.
struct OperandFormat {
  static constexpr bool reads_itself = true;

  OperandFormat(int bits) : element(bits), text(std::to_string(bits)) {}  // NOLINT: as a file says it
  OperandFormat(const Element& e) : element(e), text(element_text(e)) {}  // NOLINT
  operator const Element&() const { return element; }                     // NOLINT: of operators without their own

  /// @param op as in the graph: of an expert the part behind the dot counts, or `experts`. An exact name comes before `experts`.
  const Element& of(const std::string& op) const;
  /// Of every element that says a width alone.
  void name_numbers();
  bool has_numbers() const;
  void each(const std::function<void(Element&)>& visit);

  /// @throws ConfigError
  static OperandFormat read(const ConfigNode& node, const std::string& path, const FieldInfo& info);

  Element element;
  std::string text;  ///< as the output shows it
  std::vector<std::pair<std::string, Element>> by_operator;
};

/// Operators that a format can be given to.
const std::vector<std::string>& formatted_operators();

}  // namespace bondsim

template <>
struct fmt::formatter<bondsim::OperandFormat> : fmt::formatter<std::string> {
  template <class Context>
  auto format(const bondsim::OperandFormat& f, Context& context) const {
    return fmt::formatter<std::string>::format(f.text, context);
  }
};
