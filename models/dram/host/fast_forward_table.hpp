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

/// Most streams that may take part in a recorded state.
inline constexpr std::size_t most_recorded_streams = 6;

/// What happens between two recorded states of a host controller.
struct FastForwardStep {
  Cycle cycles = 0;
  Cycle reach = 0;                                           ///< from its begin until the next decision after its end
  std::int64_t due_ps = 0;                                   ///< by how much the next refresh is due later
  TimeAccount::Sums times{};                                 ///< by kind
  std::array<std::int32_t, most_recorded_streams> rows{};    ///< by stream: rows its cursor has gone on
  std::array<std::int64_t, most_recorded_streams> shapes{};  ///< by stream: columns that its extent has in the row reached
  std::vector<ChannelCounts> counts;                         ///< by operator, in the order the streams name them
  std::int32_t next = -1;                                    ///< the state reached
};

/// Recorded states of host controllers, and the step that follows from each. While streams pass through rows of the same shape, their
/// states come again; the controller then fast-forwards instead of deciding. Most steps do not depend on when refresh is due, as long as it
/// is not due within them; the others are found by state and time until refresh is due. The table holds facts only: its content changes no
/// result, and channels of the same configuration may share one.
class FastForwardTable {
 public:
  /// Number of the state; new ones are added. Numbers hold until generation() changes.
  std::int32_t number_of(const PackedState& state);
  const PackedState& state(std::int32_t number) const { return *nodes_[static_cast<std::size_t>(number)].state; }
  /// The step that follows when no refresh is due in it; null while it is not known.
  const FastForwardStep* quiet_step(std::int32_t number) const {
    const FastForwardStep& step = nodes_[static_cast<std::size_t>(number)].step;
    return step.next < 0 ? nullptr : &step;
  }
  /// The step that follows when the next refresh is due `due_ps` after the state; null while it is not known.
  const FastForwardStep* refresh_step(std::int32_t number, std::int64_t due_ps) const {
    const auto found = refresh_steps_.find({number, due_ps});
    return found == refresh_steps_.end() ? nullptr : &found->second;
  }
  void set_quiet_step(std::int32_t number, FastForwardStep step) { nodes_[static_cast<std::size_t>(number)].step = std::move(step); }
  void set_refresh_step(std::int32_t number, std::int64_t due_ps, FastForwardStep step);
  std::int64_t generation() const { return generation_; }
  /// Steps taken so far instead of being decided.
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
    FastForwardStep step;
  };
  struct PairHash {
    std::size_t operator()(const std::pair<std::int32_t, std::int64_t>& p) const {
      return static_cast<std::size_t>(static_cast<std::uint64_t>(p.second * 65'537 + p.first) * 0x9e3779b97f4a7c15U >> 17);
    }
  };
  void clear();

  std::unordered_map<PackedState, std::int32_t, Hash> numbers_;
  std::unordered_map<std::pair<std::int32_t, std::int64_t>, FastForwardStep, PairHash> refresh_steps_;
  std::vector<Node> nodes_;
  PackedState scratch_;
  std::int64_t generation_ = 0;
  std::int64_t taken_ = 0;
};

}  // namespace bondsim
