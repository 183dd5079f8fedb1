#pragma once
#include <cstddef>
#include <cstdint>

namespace bondsim {

/// Banks first .. first + count - 1 as bits.
inline std::uint64_t bank_mask(std::int32_t first, std::int32_t count) {
  const std::uint64_t ones = count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
  return ones << first;
}

/// Banks that turn `turn` of `turns` refreshes: turn, turn + turns, ...
inline std::uint64_t banks_of_turn(std::int32_t turn, std::int32_t turns, std::int32_t banks) {
  std::uint64_t mask = 0;
  for (std::int32_t b = turn; b < banks; b += turns) mask |= std::uint64_t{1} << b;
  return mask;
}

/// Calls f(bank) for every bank of a mask, in order.
template <class F>
void for_each_bank(std::uint64_t mask, F f) {
  for (; mask != 0; mask &= mask - 1) f(static_cast<std::size_t>(__builtin_ctzll(mask)));
}

}  // namespace bondsim
