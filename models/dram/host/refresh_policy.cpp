#include "models/dram/host/refresh_policy.hpp"

#include "models/dram/spec/bank_mask.hpp"

namespace bondsim {

AllBankRefresh::AllBankRefresh(const DramConfig& dram)
    : ranks_(dram.organization.ranks),
      rank_banks_(dram.organization.banks_per_rank()),
      cycles_(cycles_of_ns(dram.timing.t_rfc_ab_ns, dram.timing.ck_mhz)),
      period_ps_(refresh_period(dram, RefreshKind::all_bank).value) {}

Cycle AllBankRefresh::ready(const TimingState& timing, std::uint64_t banks) const {
  return timing.ready(DramCommand::refab, static_cast<int>(__builtin_ctzll(banks)));
}

void AllBankRefresh::choose(const HostState& host, Cycle t, const RefreshState& state, CommandChoice& choice) const {
  const std::uint64_t rank = banks(state);
  if (((host.rows.active() | host.rows.opening()) & rank) != 0) return;
  const bool close = (host.rows.open() & rank) != 0 && host.row_timing;
  const DramCommand command = close ? DramCommand::prea : DramCommand::refab;
  choice.consider(t, 0, -1, named(state), command, host.timing.ready(command, static_cast<int>(__builtin_ctzll(rank))));
}

void AllBankRefresh::issued(TimingState& timing, Cycle t, RefreshState& state) const {
  timing.issued(DramCommand::refab, named(state), t);
  state.position = (state.position + 1) % turns();
  state.due_ps += interval_ps();
}

PerBankRefresh::PerBankRefresh(const DramConfig& dram)
    : ranks_(dram.organization.ranks),
      banks_(dram.organization.banks_per_rank()),
      together_(banks_per_refresh(dram)),
      cycles_(cycles_of_ns(dram.timing.t_rfc_pb_ns, dram.timing.ck_mhz)),
      period_ps_(refresh_period(dram, RefreshKind::per_bank).value) {}

std::uint64_t PerBankRefresh::banks(const RefreshState& state) const {
  return banks_of_turn(state.position / ranks_, turns_of_rank(), banks_) << (state.position % ranks_ * banks_);
}

void PerBankRefresh::choose(const HostState& host, Cycle t, const RefreshState& state, CommandChoice& choice) const {
  const std::uint64_t refreshed = banks(state);
  if (((host.rows.active() | host.rows.opening()) & refreshed) != 0) return;
  if ((host.rows.open() & refreshed) != 0 && host.row_timing) {
    const int b = __builtin_ctzll(host.rows.open() & refreshed);
    choice.consider(t, 0, -1, b, DramCommand::pre, host.timing.ready(DramCommand::pre, b));
    return;
  }
  choice.consider(t, 0, -1, __builtin_ctzll(refreshed), DramCommand::refpb, ready(host.timing, refreshed));
}

Cycle PerBankRefresh::ready(const TimingState& timing, std::uint64_t banks) const {
  Cycle first = 0;
  for_each_bank(banks, [&](std::size_t b) { first = std::max(first, timing.ready(DramCommand::refpb, static_cast<int>(b))); });
  return first;
}

void PerBankRefresh::issued(TimingState& timing, Cycle t, RefreshState& state) const {
  for_each_bank(banks(state), [&](std::size_t b) { timing.issued(DramCommand::refpb, static_cast<int>(b), t); });
  state.position = (state.position + 1) % turns();
  state.due_ps += interval_ps();
}

std::shared_ptr<const RefreshPolicy> make_refresh_policy(const DramConfig& dram, RefreshKind kind) {
  if (kind == RefreshKind::per_bank) return std::make_shared<const PerBankRefresh>(dram);
  return std::make_shared<const AllBankRefresh>(dram);
}

}  // namespace bondsim
