#pragma once
#include <string>
#include <utility>
#include <vector>

#include "models/base/fields.hpp"

namespace bondsim {

/// How far a number can be trusted.
enum class Confidence {
  measured,
  transcribed,  ///< a datasheet's number as a public source repeats it; the sheet itself was not seen
  paper,
  estimate
};
template <>
inline constexpr EnumEntry<Confidence> enum_names<Confidence>[] = {{"measured", Confidence::measured},
                                                                   {"transcribed", Confidence::transcribed},
                                                                   {"paper", Confidence::paper},
                                                                   {"estimate", Confidence::estimate}};

/// One number of a table with where it comes from. The action decides which unit is allowed.
struct EnergyEntry {
  double value = 0;
  std::string unit;      ///< pJ, pJ/bit, pJ/MAC, pJ/op, mW or share
  std::string boundary;  ///< what the number includes
  std::string source;
  Confidence confidence = Confidence::estimate;
};

template <class Visitor>
void fields(Visitor& v, EnergyEntry& c) {
  v.field("value", c.value, required("the number").range(0, 1e12));
  v.field("unit", c.unit, required("its unit"));
  v.field("boundary", c.boundary, required("what it includes"));
  v.field("source", c.source, required("where it comes from"));
  v.field("confidence", c.confidence, required("how far it can be trusted"));
}

}  // namespace bondsim
