#pragma once
#include <cstddef>
#include <cstdint>

namespace bondsim {

/// Banks first .. first + count - 1 as bits.
inline std::uint64_t bank_mask(std::int32_t first, std::int32_t count) {
  const std::uint64_t ones = count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
  return ones << first;
}

/// Calls f(bank) for every bank of a mask, in order.
template <class F>
void for_each_bank(std::uint64_t mask, F f) {
  for (; mask != 0; mask &= mask - 1) f(static_cast<std::size_t>(__builtin_ctzll(mask)));
}

}  // namespace bondsim
