#include "models/dram/timing_state.hpp"

namespace bondsim {

TimingState::TimingState(const DramOrganization& organization, const std::vector<TimingRule>& rules)
    : group_(static_cast<std::size_t>(organization.bank_groups) * dram_commands),
      bank_(static_cast<std::size_t>(organization.banks()) * dram_commands) {
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
      raise(group_[group_of_[static_cast<std::size_t>(bank)] * dram_commands + u.following], t + u.cycles);
    } else {
      raise(bank_[static_cast<std::size_t>(bank) * dram_commands + u.following], t + u.cycles);
    }
  }
  if (command == DramCommand::act1) {
    last_acts_[oldest_act_] = t;
    oldest_act_ = (oldest_act_ + 1) % last_acts_.size();
    raise(rank_[static_cast<std::size_t>(DramCommand::act1)], last_acts_[oldest_act_] + compiled_->window_cycles);
  }
}

}  // namespace bondsim
