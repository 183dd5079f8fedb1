#include "models/dram/host/host_memo.hpp"

namespace bondsim {
namespace {

constexpr std::size_t most_states = 1 << 14;
constexpr std::size_t most_refresh_spans = 1 << 16;

}  // namespace

void HostMemo::clear() {
  numbers_.clear();
  nodes_.clear();
  refresh_spans_.clear();
  ++generation_;
}

std::int32_t HostMemo::number_of(const PackedState& state) {
  const auto found = numbers_.find(state);
  if (found != numbers_.end()) return found->second;
  if (nodes_.size() == most_states) clear();
  const auto number = static_cast<std::int32_t>(nodes_.size());
  nodes_.push_back({&numbers_.emplace(state, number).first->first, {}});
  return number;
}

void HostMemo::set_refresh_span(std::int32_t number, std::int64_t due_ps, HostSpan span) {
  if (refresh_spans_.size() == most_refresh_spans) refresh_spans_.clear();
  refresh_spans_[{number, due_ps}] = std::move(span);
}

}  // namespace bondsim
