#include "models/base/element_bytes.hpp"

#include <cmath>
#include <cstdlib>

namespace bondsim {

int payload_bits(Number number) {
  switch (number) {
    case Number::any:
      return 0;
    case Number::fp32:
      return 32;
    case Number::fp16:
    case Number::bf16:
      return 16;
    case Number::fp8:
    case Number::int8:
      return 8;
    case Number::fp6:
      return 6;
    case Number::fp4:
    case Number::int4:
      return 4;
  }
  return 0;
}

std::string element_text(const Element& e) {
  if (e.number == Number::any && !e.sparse() && e.parts % Element::unit == 0) return fmt::format("{}", e.parts / Element::unit);
  const std::string text = fmt::format("{}:{}", enum_name(e.number), e.bits());
  return e.sparse() ? fmt::format("{}:{}/{}", text, e.kept, e.of) : text;
}

Element parse_element(const std::string& text) {
  const auto fail = [&] {
    throw ConfigError("'" + text + "' is no element, allowed: whole bits, or number:bits, or number:bits:kept/of, e.g. int4:4.25");
  };
  Element e;
  std::string rest = text;
  if (const std::size_t colon = rest.find(':'); colon != std::string::npos) {
    bool known = false;
    for (const auto& [name, number] : enum_names<Number>) {
      if (rest.compare(0, colon, name) != 0) continue;
      e.number = number;
      known = true;
    }
    if (!known) fail();
    rest = rest.substr(colon + 1);
  }
  char* end = nullptr;
  const double bits = std::strtod(rest.c_str(), &end);
  const double parts = bits * Element::unit;
  if (end == rest.c_str() || !(bits > 0 && bits <= 64) || parts != std::floor(parts)) fail();
  e.parts = static_cast<std::int32_t>(parts);
  if (*end == '\0') return e;
  int kept = 0, of = 0, used = 0;
  if (std::sscanf(end, ":%d/%d%n", &kept, &of, &used) != 2 || end[used] != '\0' || kept < 1 || kept > of || of > 255) fail();
  e.kept = static_cast<std::uint8_t>(kept);
  e.of = static_cast<std::uint8_t>(of);
  return e;
}

}  // namespace bondsim
