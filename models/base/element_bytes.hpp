#pragma once
#include <cstdint>

#include "models/base/quantity.hpp"

namespace bondsim {

/// Bytes that `elements` elements of `bits` bits each take, packed; the last byte may be part full.
inline std::int64_t bytes_of(std::int64_t elements, int bits) { return ceil_div(elements * bits, std::int64_t{8}); }

}  // namespace bondsim
