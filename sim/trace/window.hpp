#pragma once
#include <cstdint>
#include <limits>
#include <optional>

#include "models/base/quantity.hpp"

namespace bondsim {

/// The time that is traced command by command: times, or steps of the run, whose times are known once they begin and end.
struct TraceWindow {
  static constexpr Picoseconds never{std::numeric_limits<std::int64_t>::max()};
  struct Steps {
    std::int32_t first = 0;
    std::int32_t last = 0;  ///< the last one in it
  };

  Picoseconds from{0};  ///< of steps that have not begun: never
  Picoseconds to = never;
  std::optional<Steps> steps;

  bool holds(Picoseconds t) const { return from <= t && t < to; }
  bool whole() const { return !steps && from.value == 0 && to == never; }
};

}  // namespace bondsim
