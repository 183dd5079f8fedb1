#pragma once
#include <array>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "models/dram/spec/command.hpp"
#include "models/dram/spec/timing_rules.hpp"
#include "models/dram/timing/packed_state.hpp"
#include "models/dram/timing/time_account.hpp"

namespace bondsim {

/// Most streams that may take part in a state that is remembered.
inline constexpr std::size_t most_memo_streams = 6;

/// What happened between two remembered states of a host controller.
struct HostSpan {
  Cycle cycles = 0;
  Cycle reach = 0;                                       ///< from its begin until the next decision after its end
  std::int64_t due_ps = 0;                               ///< by how much the next refresh is due later
  TimeAccount::Sums times{};                             ///< by kind
  std::array<std::int32_t, most_memo_streams> rows{};    ///< by stream: rows its cursor has gone on
  std::array<std::int64_t, most_memo_streams> shapes{};  ///< and what its extent has of the row it is in then
  std::vector<ChannelCounts> counts;                     ///< by operator, in the order the streams name them
  std::int32_t next = -1;                                ///< the state reached
};

/// States that a host controller has been in, and what followed from each. While streams pass through rows of the same shape their states
/// come again; what follows is then known and need not be decided again. Most spans are the same whenever refresh is due, as long as it is
/// not within them; the others are known by state and time until refresh is due. Holds facts only: what it contains changes no result, and
/// channels of the same configuration may share one.
class HostMemo {
 public:
  /// Number of the state; new ones are added. Numbers hold until generation() changes.
  std::int32_t number_of(const PackedState& state);
  const PackedState& state(std::int32_t number) const { return *nodes_[static_cast<std::size_t>(number)].state; }
  /// What followed from it when no refresh was due; null while that is not known.
  const HostSpan* quiet_span(std::int32_t number) const {
    const HostSpan& span = nodes_[static_cast<std::size_t>(number)].span;
    return span.next < 0 ? nullptr : &span;
  }
  /// What followed when the next refresh was due `due_ps` after it.
  const HostSpan* refresh_span(std::int32_t number, std::int64_t due_ps) const {
    const auto found = refresh_spans_.find({number, due_ps});
    return found == refresh_spans_.end() ? nullptr : &found->second;
  }
  void set_quiet_span(std::int32_t number, HostSpan span) { nodes_[static_cast<std::size_t>(number)].span = std::move(span); }
  void set_refresh_span(std::int32_t number, std::int64_t due_ps, HostSpan span);
  std::int64_t generation() const { return generation_; }
  /// Spans taken so far instead of being decided.
  std::int64_t taken() const { return taken_; }
  void count_taken() { ++taken_; }
  /// Room to pack a state in.
  PackedState& scratch() { return scratch_; }

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
  struct PairHash {
    std::size_t operator()(const std::pair<std::int32_t, std::int64_t>& p) const {
      return static_cast<std::size_t>(static_cast<std::uint64_t>(p.second * 65'537 + p.first) * 0x9e3779b97f4a7c15U >> 17);
    }
  };
  void clear();

  std::unordered_map<PackedState, std::int32_t, Hash> numbers_;
  std::unordered_map<std::pair<std::int32_t, std::int64_t>, HostSpan, PairHash> refresh_spans_;
  std::vector<Node> nodes_;
  PackedState scratch_;
  std::int64_t generation_ = 0;
  std::int64_t taken_ = 0;
};

}  // namespace bondsim
