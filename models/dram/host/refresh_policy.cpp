#include "models/dram/host/refresh_policy.hpp"

#include "models/dram/spec/bank_mask.hpp"

namespace bondsim {

AllBankRefresh::AllBankRefresh(const DramConfig& dram)
    : all_banks_(bank_mask(0, dram.organization.banks())),
      cycles_(cycles_of_ns(dram.timing.t_rfc_ab_ns, dram.timing.ck_mhz)),
      period_ps_(refresh_period(dram, RefreshKind::all_bank).value) {}

void AllBankRefresh::choose(const HostState& host, Cycle t, const RefreshState&, CommandChoice& choice) const {
  if (host.rows.unserved()) return;
  if (host.rows.open() != 0 && host.row_timing) {
    choice.consider(t, 0, -1, -1, DramCommand::prea, host.timing.ready(DramCommand::prea));
  } else {
    choice.consider(t, 0, -1, -1, DramCommand::refab, host.timing.ready(DramCommand::refab));
  }
}

void AllBankRefresh::issued(TimingState& timing, Cycle t, RefreshState& state) const {
  timing.issued(DramCommand::refab, -1, t);
  state.due_ps += period_ps_;
}

PerBankRefresh::PerBankRefresh(const DramConfig& dram)
    : banks_(dram.organization.banks()),
      together_(banks_per_refresh(dram)),
      cycles_(cycles_of_ns(dram.timing.t_rfc_pb_ns, dram.timing.ck_mhz)),
      period_ps_(refresh_period(dram, RefreshKind::per_bank).value) {}

std::uint64_t PerBankRefresh::banks(const RefreshState& state) const { return banks_of_turn(state.position, turns(), banks_); }

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
  state.due_ps += period_ps_;
}

std::shared_ptr<const RefreshPolicy> make_refresh_policy(const DramConfig& dram, RefreshKind kind) {
  if (kind == RefreshKind::per_bank) return std::make_shared<const PerBankRefresh>(dram);
  return std::make_shared<const AllBankRefresh>(dram);
}

}  // namespace bondsim
