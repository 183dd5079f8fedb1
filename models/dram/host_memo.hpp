#pragma once
#include <array>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "models/dram/command.hpp"
#include "models/dram/packed_state.hpp"
#include "models/dram/time_account.hpp"
#include "models/dram/timing_rules.hpp"

namespace bondsim {

/// Most streams that may take part in a state that is remembered.
inline constexpr std::size_t most_memo_streams = 6;

/// What happened between two remembered states of a host controller.
struct HostSpan {
  Cycle cycles = 0;
  TimeAccount::Sums times{};                           ///< by kind
  std::array<std::int32_t, most_memo_streams> rows{};  ///< by stream: rows its cursor has gone on
  std::vector<ChannelCounts> counts;                   ///< by operator, in the order the streams name them
  std::int32_t next = -1;  ///< the state reached
};

/// States that a host controller has been in, and what followed from each. While streams pass through whole rows the states at refresh
/// come again; what follows is then known and need not be decided again. Holds facts only: what it contains changes no result, and
/// channels of the same configuration may share one.
class HostMemo {
 public:
  /// Number of the state; new ones are added. Numbers hold until generation() changes.
  std::int32_t number_of(const PackedState& state);
  const PackedState& state(std::int32_t number) const { return *nodes_[static_cast<std::size_t>(number)].state; }
  /// What followed from it; null while that is not known.
  const HostSpan* span(std::int32_t number) const {
    const HostSpan& span = nodes_[static_cast<std::size_t>(number)].span;
    return span.next < 0 ? nullptr : &span;
  }
  void set_span(std::int32_t number, HostSpan span) { nodes_[static_cast<std::size_t>(number)].span = std::move(span); }
  std::int64_t generation() const { return generation_; }

 private:
  struct Hash {
    std::size_t operator()(const PackedState& state) const {
      std::uint64_t h = state.size();
      for (const std::int64_t word : state) h = (h ^ static_cast<std::uint64_t>(word)) * 0x9e3779b97f4a7c15U, h ^= h >> 29;
      return static_cast<std::size_t>(h);
    }
  };
  struct Node {
    const PackedState* state = nullptr;
    HostSpan span;
  };
  std::unordered_map<PackedState, std::int32_t, Hash> numbers_;
  std::vector<Node> nodes_;
  std::int64_t generation_ = 0;
};

}  // namespace bondsim
