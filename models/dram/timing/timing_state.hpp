#pragma once
#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "models/dram/spec/timing_rules.hpp"
#include "models/dram/timing/packed_state.hpp"

namespace bondsim {

/// Commands that rules hold back; CAS comes whenever the bus is free.
inline constexpr int timed_commands = static_cast<int>(DramCommand::mode_normal) + 1;

/// The rules compiled to what the controller asks at every cycle: the first cycle at which a command may go to a bank.
/// Copies are cheap and independent; the rules themselves are shared.
class TimingState {
 public:
  TimingState(const DramOrganization& organization, const std::vector<TimingRule>& rules);

  /// First cycle at which `command` may be issued to `bank` (rank commands: any bank of the rank).
  Cycle ready(DramCommand command, int bank) const {
    const auto c = static_cast<std::size_t>(command);
    const std::size_t group = group_of_[static_cast<std::size_t>(bank)];
    const Cycle at = std::max(rank_[rank_of(group) * timed_commands + c], bank_[static_cast<std::size_t>(bank) * timed_commands + c]);
    return std::max(at, group_[group * timed_commands + c]);
  }

  /// First cycle for a command to all banks of a rank (PREA, REFab), or, of a column, to any bank: that of the earliest rank.
  Cycle ready(DramCommand command) const {
    const auto c = static_cast<std::size_t>(command);
    Cycle first = rank_[c];
    for (std::size_t place = timed_commands + c; place < rank_.size(); place += timed_commands) first = std::min(first, rank_[place]);
    return first;
  }

  /// Records that `command` was issued at cycle `t`; `bank` is -1 for commands to all banks of the only rank, and one of its banks where
  /// there are several.
  void issued(DramCommand command, int bank, Cycle t);

  /// No command before cycle `t`.
  void block_until(Cycle t) {
    for (Cycle& at : rank_) raise(at, t);
  }

  /// Packs the bounds that lie after cycle `now`, relative to it; and the reverse.
  void pack(Cycle now, PackedState& state) const;
  void unpack(Cycle now, PackedReader& in);

  /// Cycles within which ACT2 must follow ACT1.
  Cycle act2_deadline() const { return compiled_->act2_deadline; }

 private:
  struct Update {
    RuleScope scope;
    std::size_t following;
    Cycle cycles;
  };
  struct Compiled {
    std::array<std::vector<Update>, dram_commands> after;
    Cycle window_cycles = 0;
    Cycle act2_deadline = never;
  };

  /// The last four ACT1 of a rank.
  struct Window {
    std::array<Cycle, 4> acts;
    std::size_t oldest = 0;
    std::array<Cycle, 4> in_order() const;
  };

  std::size_t rank_of(std::size_t group) const { return windows_.size() == 1 ? 0 : group / groups_per_rank_; }
  static void raise(Cycle& at, Cycle t) { at = std::max(at, t); }

  std::shared_ptr<const Compiled> compiled_;
  std::vector<Cycle> rank_;  ///< by rank and command
  std::vector<Cycle> group_;
  std::vector<Cycle> bank_;
  std::vector<std::size_t> group_of_;  ///< by bank, counted through all ranks
  std::size_t groups_per_rank_ = 1;
  std::vector<Window> windows_;  ///< by rank
};

}  // namespace bondsim
