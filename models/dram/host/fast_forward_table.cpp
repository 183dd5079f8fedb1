#include "models/dram/host/fast_forward_table.hpp"

namespace bondsim {
namespace {

constexpr std::size_t most_states = 1 << 14;
constexpr std::size_t most_refresh_steps = 1 << 16;

}  // namespace

void FastForwardTable::clear() {
  numbers_.clear();
  nodes_.clear();
  refresh_steps_.clear();
  ++generation_;
}

std::int32_t FastForwardTable::number_of(const PackedState& state) {
  const auto found = numbers_.find(state);
  if (found != numbers_.end()) return found->second;
  if (nodes_.size() == most_states) clear();
  const auto number = static_cast<std::int32_t>(nodes_.size());
  nodes_.push_back({&numbers_.emplace(state, number).first->first, {}});
  return number;
}

void FastForwardTable::set_refresh_step(std::int32_t number, std::int64_t due_ps, FastForwardStep step) {
  if (refresh_steps_.size() == most_refresh_steps) refresh_steps_.clear();
  refresh_steps_[{number, due_ps}] = std::move(step);
}

}  // namespace bondsim
