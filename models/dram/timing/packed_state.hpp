#pragma once
#include <cstdint>
#include <vector>

namespace bondsim {

/// State as a row of numbers in which times and rows are relative: where two rows are equal, the same follows.
using PackedState = std::vector<std::int64_t>;

/// Takes the numbers of a packed state one after the other, as they were put in.
class PackedReader {
 public:
  explicit PackedReader(const PackedState& state) : at_(state.data()) {}
  std::int64_t take() { return *at_++; }

 private:
  const std::int64_t* at_;
};

}  // namespace bondsim
