#include "models/dram/timing/timing_state.hpp"

namespace bondsim {

TimingState::TimingState(const DramOrganization& organization, const std::vector<TimingRule>& rules)
    : rank_(static_cast<std::size_t>(organization.ranks) * timed_commands),
      group_(static_cast<std::size_t>(organization.ranks * organization.bank_groups) * timed_commands),
      bank_(static_cast<std::size_t>(organization.banks()) * timed_commands),
      groups_per_rank_(static_cast<std::size_t>(organization.bank_groups)),
      windows_(static_cast<std::size_t>(organization.ranks)) {
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
  for (Window& window : windows_) window.acts.fill(-never);
}

void TimingState::issued(DramCommand command, int bank, Cycle t) {
  const std::size_t group = bank < 0 ? 0 : group_of_[static_cast<std::size_t>(bank)];
  const std::size_t rank = rank_of(group);
  for (const Update& u : compiled_->after[static_cast<std::size_t>(command)]) {
    switch (u.scope) {
      case RuleScope::rank:
        raise(rank_[rank * timed_commands + u.following], t + u.cycles);
        break;
      case RuleScope::other_ranks:
        for (std::size_t other = 0; other < windows_.size(); ++other) {
          if (other != rank) raise(rank_[other * timed_commands + u.following], t + u.cycles);
        }
        break;
      case RuleScope::bank_group:
        raise(group_[group * timed_commands + u.following], t + u.cycles);
        break;
      case RuleScope::bank:
        raise(bank_[static_cast<std::size_t>(bank) * timed_commands + u.following], t + u.cycles);
        break;
    }
  }
  if (command == DramCommand::act1) {
    Window& window = windows_[rank];
    window.acts[window.oldest] = t;
    window.oldest = (window.oldest + 1) % window.acts.size();
    raise(rank_[rank * timed_commands + static_cast<std::size_t>(DramCommand::act1)],
          window.acts[window.oldest] + compiled_->window_cycles);
  }
}

/// A bound of a group or bank is put in only where it is later than those it lies under, by how much.
void TimingState::pack(Cycle now, PackedState& state) const {
  const std::size_t ranks = windows_.size(), groups = group_.size() / timed_commands;
  for (const Window& window : windows_) {
    for (const Cycle last : window.in_order()) state.push_back(std::max(last - now, -compiled_->window_cycles));
  }
  const auto put = [&state](std::size_t place, Cycle later) {
    if (later > 0) state.push_back(static_cast<std::int64_t>(place) << 32 | later);
  };
  for (std::size_t c = 0; c < timed_commands; ++c) {
    const auto of_rank = [&](std::size_t rank) { return std::max(rank_[rank * timed_commands + c], now); };
    for (std::size_t r = 0; r < ranks; ++r) put(r * timed_commands + c, of_rank(r) - now);
    for (std::size_t g = 0; g < groups; ++g) put((ranks + g) * timed_commands + c, group_[g * timed_commands + c] - of_rank(rank_of(g)));
    for (std::size_t b = 0; b < group_of_.size(); ++b) {
      const Cycle above = std::max(of_rank(rank_of(group_of_[b])), group_[group_of_[b] * timed_commands + c]);
      put((ranks + groups + b) * timed_commands + c, bank_[b * timed_commands + c] - above);
    }
  }
  state.push_back(-1);
}

void TimingState::unpack(Cycle now, PackedReader& in) {
  const std::size_t ranks = windows_.size(), groups = group_.size() / timed_commands;
  for (Window& window : windows_) {
    window.oldest = 0;
    for (Cycle& last : window.acts) last = now + in.take();
  }
  std::fill(rank_.begin(), rank_.end(), now);
  std::fill(group_.begin(), group_.end(), 0);
  std::fill(bank_.begin(), bank_.end(), 0);
  for (std::int64_t word = in.take(); word >= 0; word = in.take()) {
    const auto place = static_cast<std::size_t>(word >> 32);
    const std::size_t owner = place / timed_commands;
    const std::size_t c = place % timed_commands;
    const Cycle later = word & 0xffffffff;
    if (owner < ranks) {
      rank_[place] += later;
    } else if (owner < ranks + groups) {
      const std::size_t g = owner - ranks;
      group_[g * timed_commands + c] = rank_[rank_of(g) * timed_commands + c] + later;
    } else {
      const std::size_t b = owner - ranks - groups;
      const Cycle rank = rank_[rank_of(group_of_[b]) * timed_commands + c];
      bank_[b * timed_commands + c] = std::max(rank, group_[group_of_[b] * timed_commands + c]) + later;
    }
  }
}

std::array<Cycle, 4> TimingState::Window::in_order() const {
  std::array<Cycle, 4> out;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = acts[(oldest + i) % acts.size()];
  return out;
}

}  // namespace bondsim
