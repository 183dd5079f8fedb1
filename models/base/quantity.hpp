#pragma once
#include <cstdint>

namespace bondsim {

/// A number with a unit. Quantities of different units do not add; scaling is by plain numbers only.
template <class Tag, class Rep>
struct Quantity {
  Rep value{};

  constexpr Quantity() = default;
  constexpr explicit Quantity(Rep v) : value(v) {}

  friend constexpr Quantity operator+(Quantity a, Quantity b) { return Quantity(a.value + b.value); }
  friend constexpr Quantity operator-(Quantity a, Quantity b) { return Quantity(a.value - b.value); }
  friend constexpr Quantity operator*(Quantity a, Rep n) { return Quantity(a.value * n); }
  friend constexpr Quantity operator*(Rep n, Quantity a) { return Quantity(a.value * n); }
  friend constexpr bool operator==(Quantity a, Quantity b) { return a.value == b.value; }
  friend constexpr bool operator!=(Quantity a, Quantity b) { return a.value != b.value; }
  friend constexpr bool operator<(Quantity a, Quantity b) { return a.value < b.value; }
  friend constexpr bool operator<=(Quantity a, Quantity b) { return a.value <= b.value; }
  friend constexpr bool operator>(Quantity a, Quantity b) { return a.value > b.value; }
  friend constexpr bool operator>=(Quantity a, Quantity b) { return a.value >= b.value; }
  constexpr Quantity& operator+=(Quantity b) {
    value += b.value;
    return *this;
  }
  constexpr Quantity& operator-=(Quantity b) {
    value -= b.value;
    return *this;
  }
};

/// Simulated time, exact. 2^63 ps are 106 days.
using Picoseconds = Quantity<struct PicosecondsTag, std::int64_t>;

/// Wide integer for energy sums: attojoules times counts do not fit 64 bits.
__extension__ typedef __int128 WideInt;

/// Energy, exact: table entries are whole attojoules, so both sums of a ledger (by component, by operator) agree to the bit.
using Attojoules = Quantity<struct AttojoulesTag, WideInt>;

constexpr double to_seconds(Picoseconds t) { return static_cast<double>(t.value) * 1e-12; }
constexpr double to_joules(Attojoules e) { return static_cast<double>(e.value) * 1e-18; }

/// Quotient rounded up; both arguments non-negative, `b` positive.
template <class T>
constexpr T ceil_div(T a, T b) {
  return (a + b - 1) / b;
}

}  // namespace bondsim
