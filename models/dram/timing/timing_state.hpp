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

  /// First cycle at which `command` may be issued to `bank` (rank commands: any bank).
  Cycle ready(DramCommand command, int bank) const {
    const auto c = static_cast<std::size_t>(command);
    const Cycle at = std::max(rank_[c], bank_[static_cast<std::size_t>(bank) * timed_commands + c]);
    return std::max(at, group_[group_of_[static_cast<std::size_t>(bank)] * timed_commands + c]);
  }

  /// First cycle for a command to all banks (PREA, REFab).
  Cycle ready(DramCommand command) const { return rank_[static_cast<std::size_t>(command)]; }

  /// Records that `command` was issued at cycle `t`; `bank` is -1 for commands to all banks.
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

  std::array<Cycle, 4> last_acts_in_order() const;
  static void raise(Cycle& at, Cycle t) { at = std::max(at, t); }

  std::shared_ptr<const Compiled> compiled_;
  std::array<Cycle, timed_commands> rank_{};
  std::vector<Cycle> group_;
  std::vector<Cycle> bank_;
  std::vector<std::size_t> group_of_;
  std::array<Cycle, 4> last_acts_;
  std::size_t oldest_act_ = 0;
};

}  // namespace bondsim
