#include "models/base/error.hpp"
#include "models/dram/hb/hb_engine.hpp"
#include "models/dram/spec/bank_mask.hpp"

/// Refresh behind the ports: all banks at once, or some at a time while the others go on.
namespace bondsim {

HbEngine::NextRefresh HbEngine::next_refresh(const ChannelOutput& output) const {
  const RefreshState& state = output.refresh;
  NextRefresh next;
  next.full = state.activates.full();
  // A REF that is due lowers counts too, and is not to be put off by RFM after RFM.
  next.by_rfm = next.full != 0 && !(state.enabled && state.due_ps + timing_.postponed <= decided_);
  next.any = next.by_rfm || state.enabled;
  const std::int32_t turn = next.by_rfm ? __builtin_ctzll(next.full) % turns_ : per_bank_ ? state.position : 0;
  next.turn = turn;
  next.banks = banks_of_turn(turn, turns_, dram_->organization.banks());
  if (next.by_rfm) return next;
  next.idle_from = state.due_ps - timing_.pulled_in;
  next.due = state.due_ps;
  return next;
}

/// From when on a lane with work begins no row: its own refresh is due, whosever turn it is. Lanes that are ready then wait for the one in
/// front.
HbEngine::Ps HbEngine::busy_from(const Lane& lane, const NextRefresh& refresh) const {
  const HbTransfer& transfer = job_of(lane).transfer;
  if (refresh.by_rfm) return 0;
  const std::int32_t in_front = (lane.turn - refresh.turn + turns_) % turns_;
  return refresh.due + in_front * refresh_period_ + timing_.busy_delay(transfer.passes, transfer.pace_ps);
}

/// No row is begun while refresh of its bank is due, or the bank has been closed for one.
bool HbEngine::waits_for_refresh(const Lane& lane, const NextRefresh& refresh) const {
  if (lane.phase == Phase::activate || !has_work(lane)) return false;
  if (pending_.any && (lane.banks & pending_.banks) != 0) return true;
  if ((lane.banks & refresh.full) != 0) return true;
  if (!refresh.any || (refresh.by_rfm && (lane.banks & refresh.banks) == 0)) return false;
  return busy_from(lane, refresh) <= std::max(time_of(lane), lane.column_end);
}

/// Time of the next step towards a refresh; far away while its banks are at work.
HbEngine::Ps HbEngine::refresh_time(const NextRefresh& refresh) const {
  if (pending_.any) return pending_.at;
  if (!refresh.any) return far_away;
  Ps quiet = separate_ ? decided_ : 0;
  Ps waited_from = far_away;
  for (const Lane& lane : lanes_) {
    if ((lane.banks & refresh.banks) == 0) continue;
    if (has_work(lane)) {
      if (!waits_for_refresh(lane, refresh)) return far_away;
      waited_from = std::min(waited_from, busy_from(lane, refresh));
    }
    quiet = std::max(quiet, lane.column_end);
  }
  return std::max(quiet, waited_from < far_away ? waited_from : refresh.idle_from);
}

void HbEngine::refresh_all(const Decision& decided, ChannelOutput& output) {
  const std::int32_t op = present_op();
  const bool by_rfm = decided.refresh.by_rfm;
  last_row_state_.whole = false;
  const Picoseconds start = precharge_ready(Picoseconds(decided.refresh_at));
  const Ps at = precharge_all(start, op, output).value;
  const Ps end = after(at, n_.rfc);
  rows_.push_back({at, by_rfm ? DramCommand::rfmab : DramCommand::refab, 0, -1, op});
  if (!by_rfm) output.refresh.due_ps += refresh_period_;
  output.refresh.activates.refreshed(decided.refresh.banks, by_rfm);
  output.account.add(TimeAccount::Kind::refresh, start, Picoseconds(end), Picoseconds(decided.refresh_at));
  for (Bank& bank : banks_) bank.act_ready.fill(end);
  for (Lane& lane : lanes_) lane.at = std::max(lane.at, end);
  settled_ = end;
}

/// Closes the banks that are to be refreshed; the REFpb follows when they are precharged.
void HbEngine::close_for_refresh(const NextRefresh& refresh, Ps t) {
  Ps ready = std::max(t, refresh_ready_);
  for (const std::size_t sub : {0U, 1U}) {
    std::uint64_t open = 0;
    Ps close = t;
    for_each_bank(refresh.banks, [&](std::size_t b) {
      if (banks_[b].row[sub] < 0) return;
      open |= std::uint64_t{1} << b;
      close = std::max(close, banks_[b].pre_ready[sub]);
    });
    if (open != 0) close_rows(open, sub, row_timing_ ? edge(close) : t, present_op());
  }
  for_each_bank(refresh.banks, [&](std::size_t b) { ready = std::max({ready, banks_[b].act_ready[0], banks_[b].act_ready[1]}); });
  pending_ = {true, refresh.by_rfm, refresh.banks, edge(ready)};
}

/// The REFpb itself, once the rank takes it: rows of other banks may have been opened meanwhile.
void HbEngine::refresh_bank(ChannelOutput& output) {
  Ps ready = 0;
  if (last_refpb_ >= 0) ready = std::max(ready, after(last_refpb_, n_.refpb_to_refpb));
  if (last_act() >= 0) ready = std::max(ready, after(last_act(), n_.act_to_refpb));
  if (ready > pending_.at) {
    pending_.at = ready;
    return;
  }
  const PendingRefresh refresh = pending_;
  pending_ = {};
  const Ps end = after(refresh.at, n_.rfc_pb);
  rows_.push_back({refresh.at, refresh.by_rfm ? DramCommand::rfmpb : DramCommand::refpb, refresh.banks, -1, present_op()});
  if (!refresh.by_rfm) {
    output.refresh.due_ps += refresh_period_;
    output.refresh.position = (output.refresh.position + 1) % turns_;
  }
  output.refresh.activates.refreshed(refresh.banks, refresh.by_rfm);
  output.account.add(TimeAccount::Kind::refresh, Picoseconds(refresh.at), Picoseconds(end), Picoseconds(refresh.at));
  for_each_bank(refresh.banks, [&](std::size_t b) { banks_[b].act_ready.fill(end); });
  for (Lane& lane : lanes_) {
    if ((lane.banks & refresh.banks) != 0) lane.at = std::max(lane.at, refresh.at);
  }
  last_refpb_ = refresh.at;
  settled_ = std::max(settled_, end);
}

}  // namespace bondsim
