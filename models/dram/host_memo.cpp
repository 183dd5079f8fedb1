#include "models/dram/host_memo.hpp"

namespace bondsim {
namespace {

constexpr std::size_t most_states = 1 << 14;

}  // namespace

std::int32_t HostMemo::number_of(const PackedState& state) {
  const auto found = numbers_.find(state);
  if (found != numbers_.end()) return found->second;
  if (nodes_.size() == most_states) {
    numbers_.clear();
    nodes_.clear();
    ++generation_;
  }
  const auto number = static_cast<std::int32_t>(nodes_.size());
  nodes_.push_back({&numbers_.emplace(state, number).first->first, {}});
  return number;
}

}  // namespace bondsim
