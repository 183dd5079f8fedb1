#include "models/dram/timing/timing_state.hpp"

namespace bondsim {

TimingState::TimingState(const DramOrganization& organization, const std::vector<TimingRule>& rules)
    : group_(static_cast<std::size_t>(organization.bank_groups) * timed_commands),
      bank_(static_cast<std::size_t>(organization.banks()) * timed_commands) {
  auto compiled = std::make_shared<Compiled>();
  for (const TimingRule& rule : rules) {
    if (rule.latest) {
      compiled->act2_deadline = rule.cycles;
    } else if (rule.window > 1) {
      check(rule.window == 4 && rule.preceding == DramCommand::act1 && rule.following == DramCommand::act1, "only tFAW has a window");
      compiled->window_cycles = rule.cycles;
    } else if (!rule.from_end) {
      compiled->after[static_cast<std::size_t>(rule.preceding)].push_back(
          {rule.scope, static_cast<std::size_t>(rule.following), rule.cycles});
    }
  }
  compiled_ = std::move(compiled);
  for (int b = 0; b < organization.banks(); ++b) group_of_.push_back(static_cast<std::size_t>(b / organization.banks_per_group));
  last_acts_.fill(-never);
}

void TimingState::issued(DramCommand command, int bank, Cycle t) {
  for (const Update& u : compiled_->after[static_cast<std::size_t>(command)]) {
    if (u.scope == RuleScope::rank) {
      raise(rank_[u.following], t + u.cycles);
    } else if (u.scope == RuleScope::bank_group) {
      raise(group_[group_of_[static_cast<std::size_t>(bank)] * timed_commands + u.following], t + u.cycles);
    } else {
      raise(bank_[static_cast<std::size_t>(bank) * timed_commands + u.following], t + u.cycles);
    }
  }
  if (command == DramCommand::act1) {
    last_acts_[oldest_act_] = t;
    oldest_act_ = (oldest_act_ + 1) % last_acts_.size();
    raise(rank_[static_cast<std::size_t>(DramCommand::act1)], last_acts_[oldest_act_] + compiled_->window_cycles);
  }
}

/// A bound of a group or bank is put in only where it is later than those it lies under, by how much.
void TimingState::pack(Cycle now, PackedState& state) const {
  const std::size_t groups = group_.size() / timed_commands;
  for (const Cycle last : last_acts_in_order()) state.push_back(std::max(last - now, -compiled_->window_cycles));
  const auto put = [&state](std::size_t place, Cycle later) {
    if (later > 0) state.push_back(static_cast<std::int64_t>(place) << 32 | later);
  };
  for (std::size_t c = 0; c < timed_commands; ++c) {
    const Cycle rank = std::max(rank_[c], now);
    put(c, rank - now);
    for (std::size_t g = 0; g < groups; ++g) put((1 + g) * timed_commands + c, group_[g * timed_commands + c] - rank);
    for (std::size_t b = 0; b < group_of_.size(); ++b) {
      const Cycle above = std::max(rank, group_[group_of_[b] * timed_commands + c]);
      put((1 + groups + b) * timed_commands + c, bank_[b * timed_commands + c] - above);
    }
  }
  state.push_back(-1);
}

void TimingState::unpack(Cycle now, PackedReader& in) {
  const std::size_t groups = group_.size() / timed_commands;
  oldest_act_ = 0;
  for (Cycle& last : last_acts_) last = now + in.take();
  rank_.fill(now);
  std::fill(group_.begin(), group_.end(), 0);
  std::fill(bank_.begin(), bank_.end(), 0);
  for (std::int64_t word = in.take(); word >= 0; word = in.take()) {
    const auto place = static_cast<std::size_t>(word >> 32);
    const std::size_t owner = place / timed_commands;
    const std::size_t c = place % timed_commands;
    const Cycle later = word & 0xffffffff;
    if (owner == 0) {
      rank_[c] += later;
    } else if (owner <= groups) {
      group_[place - timed_commands] = rank_[c] + later;
    } else {
      const std::size_t b = owner - 1 - groups;
      bank_[b * timed_commands + c] = std::max(rank_[c], group_[group_of_[b] * timed_commands + c]) + later;
    }
  }
}

std::array<Cycle, 4> TimingState::last_acts_in_order() const {
  std::array<Cycle, 4> acts;
  for (std::size_t i = 0; i < acts.size(); ++i) acts[i] = last_acts_[(oldest_act_ + i) % acts.size()];
  return acts;
}

}  // namespace bondsim
