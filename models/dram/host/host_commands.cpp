#include "models/base/error.hpp"
#include "models/dram/host/host_controller.hpp"

/// What each command does to banks, requests and the output.
namespace bondsim {

void HostController::issue(const Choice& choice, Cycle t, ChannelOutput& output) {
  switch (choice.command) {
    case DramCommand::rd:
    case DramCommand::wr:
      return issue_column(choice, t, output);
    case DramCommand::act1:
      return issue_act1(choice, t, output);
    case DramCommand::act2:
      return issue_act2(choice, t, output);
    case DramCommand::pre: {
      std::int32_t op = current_op();
      if (choice.entry >= 0) {
        Entry& entry = entry_at(choice.entry);
        if (!entry.started) entry.row_outcome = RequestOutcome::Row::conflict;
        entry.started = true;
        op = streams_[stream_of(entry)].op;
      }
      return issue_precharge(choice.bank, t, op, output);
    }
    case DramCommand::prea: {
      const Cycle closed = t + dram_->timing.n_rp_ab;
      output.account.add(TimeAccount::Kind::refresh, clock_.edge(t), clock_.edge(closed), clock_.edge(t));
      return issue_precharge_all(t, current_op(), output);
    }
    default:
      return issue_refresh(choice, t, output);
  }
}

void HostController::issue_act1(const Choice& choice, Cycle t, ChannelOutput& output) {
  Entry& entry = entry_at(choice.entry);
  if (!entry.started) entry.row_outcome = RequestOutcome::Row::miss;
  entry.started = true;
  Bank& bank = bank_at(choice.bank);
  bank.state = RowState::opening;
  bank.row = entry.at.row;
  bank.owner = choice.entry;
  bank.act1 = t;
  opening_banks_ |= std::uint64_t{1} << choice.bank;
  timing_.issued(DramCommand::act1, choice.bank, t);
  const std::int32_t op = streams_[stream_of(entry)].op;
  ++output.of(op).activates;
  output.record(clock_.edge(t), DramCommand::act1, choice.bank, bank.row, -1, op);
}

/// The row is open: its request leaves the queue and is served before others.
void HostController::issue_act2(const Choice& choice, Cycle t, ChannelOutput& output) {
  const Entry& entry = entry_at(choice.entry);
  Bank& bank = bank_at(choice.bank);
  const std::uint64_t bit = std::uint64_t{1} << choice.bank;
  bank.state = RowState::open;
  bank.owner = -1;
  bank.active = choice.entry;
  unlink(bank, choice.entry);
  rescan(bank);
  opening_banks_ &= ~bit;
  active_banks_ |= bit;
  open_banks_ |= bit;
  timing_.issued(DramCommand::act2, choice.bank, t);
  output.record(clock_.edge(t), DramCommand::act2, choice.bank, bank.row, -1, streams_[stream_of(entry)].op);
}

void HostController::issue_column(const Choice& choice, Cycle t, ChannelOutput& output) {
  Entry& entry = entry_at(choice.entry);
  Bank& bank = bank_at(choice.bank);
  if (!row_timing_) open_without_time(entry, t, output);
  if (bank.active == choice.entry) {
    bank.active = -1;
    active_banks_ &= ~(std::uint64_t{1} << choice.bank);
  } else {
    unlink(bank, choice.entry);
  }
  timing_.issued(choice.command, choice.bank, t);
  const std::size_t index = stream_of(entry);
  Stream& stream = streams_[index];
  ChannelCounts& counts = output.of(stream.op);
  ++(entry.write ? counts.writes : counts.reads);
  const Cycle data = t + (entry.write ? dram_->timing.n_cwl : dram_->timing.n_cl);
  const Cycle end = data + dram_->timing.n_bl_min;
  const Picoseconds now = clock_.edge(t);
  output.account.add(TimeAccount::Kind::data, clock_.edge(data), clock_.edge(end), now);
  const DramOrganization& shape = dram_->organization;
  output.record(now, choice.command, choice.bank, bank.row, entry.at.column * shape.burst_length, stream.op);
  if (entry.listed) {
    output.outcomes.push_back({entry.id, entry.arrival, clock_.edge(entry.accepted), clock_.edge(end), entry.write, entry.row_outcome});
  }
  data_end_ = std::max(data_end_, end);
  stream.data_end = std::max(stream.data_end, end);
  --stream.in_flight;
  entry.next = free_entry_;
  free_entry_ = choice.entry;
  if (stream.exhausted() && stream.in_flight == 0) finish(index, output);
  if (nothing_waits() && !streams_.empty()) await_arrival(output);
}

/// When the requests to come have not arrived yet, there is no work until the first of them does.
void HostController::await_arrival(ChannelOutput& output) const {
  Picoseconds first(INT64_MAX);
  for (const Stream& stream : streams_) {
    if (!stream.listed) return;
    first = std::min(first, std::max(stream.list.items[stream.index].arrival, stream.submitted));
  }
  if (first <= clock_.edge(data_end_)) return;
  output.account.end_work(clock_.edge(data_end_));
  output.account.begin_work(first);
}

/// Row timing switched off: the row changes at no cost of time, but is counted.
void HostController::open_without_time(const Entry& entry, Cycle t, ChannelOutput& output) {
  Bank& bank = bank_at(entry.at.bank);
  if (bank.state == RowState::open && bank.row == entry.at.row) return;
  const std::int32_t op = streams_[stream_of(entry)].op;
  const Picoseconds now = clock_.edge(t);
  if (bank.state == RowState::open) {
    ++output.of(op).precharges;
    output.record(now, DramCommand::pre, entry.at.bank, -1, -1, op);
  }
  ++output.of(op).activates;
  bank.state = RowState::open;
  bank.row = entry.at.row;
  open_banks_ |= std::uint64_t{1} << entry.at.bank;
  output.record(now, DramCommand::act1, entry.at.bank, bank.row, -1, op);
  output.record(now, DramCommand::act2, entry.at.bank, bank.row, -1, op);
}

void HostController::issue_precharge(std::int32_t b, Cycle t, std::int32_t op, ChannelOutput& output) {
  Bank& bank = bank_at(b);
  bank.state = RowState::closed;
  open_banks_ &= ~(std::uint64_t{1} << b);
  rescan(bank);
  timing_.issued(DramCommand::pre, b, t);
  ++output.of(op).precharges;
  output.record(clock_.edge(t), DramCommand::pre, b, -1, -1, op);
}

void HostController::issue_precharge_all(Cycle t, std::int32_t op, ChannelOutput& output) {
  for (std::uint64_t mask = open_banks_; mask != 0; mask &= mask - 1) {
    Bank& bank = bank_at(__builtin_ctzll(mask));
    bank.state = RowState::closed;
    rescan(bank);
    ++output.of(op).precharges;
  }
  open_banks_ = 0;
  timing_.issued(DramCommand::prea, -1, t);
  output.record(clock_.edge(t), DramCommand::prea, -1, -1, -1, op);
}

void HostController::issue_refresh(const Choice& choice, Cycle t, ChannelOutput& output) {
  const bool all = choice.command == DramCommand::refab;
  const std::int32_t op = current_op();
  if (!row_timing_ && open_banks_ != 0) issue_precharge_all(t, op, output);
  noteworthy_ = all || output.refresh.position == 0;
  if (all) {
    timing_.issued(DramCommand::refab, -1, t);
    output.refresh.due_ps += refresh_period(*dram_, RefreshKind::all_bank).value;
    ++output.of(op).refreshes_all_bank;
  } else {
    for (std::uint64_t mask = refresh_banks(output); mask != 0; mask &= mask - 1) {
      timing_.issued(DramCommand::refpb, __builtin_ctzll(mask), t);
    }
    const int turns = dram_->organization.banks() / banks_per_refresh(*dram_);
    output.refresh.position = (output.refresh.position + 1) % turns;
    output.refresh.due_ps += refresh_period(*dram_, RefreshKind::per_bank).value;
    ++output.of(op).refreshes_per_bank;
  }
  const Picoseconds now = clock_.edge(t);
  const Picoseconds end = clock_.edge(t + refresh_cycles());
  output.account.add(TimeAccount::Kind::refresh, now, end, now);
  output.record(now, choice.command, choice.bank, -1, -1, op);
}

/// All requests of a stream are served: its end is known.
void HostController::finish(std::size_t index, ChannelOutput& output) {
  forget_states();
  const Stream& stream = streams_[index];
  output.events.push_back({clock_.edge(stream.data_end), ChannelEvent::Kind::host_done, stream.tag, ChannelMode::normal});
  streams_.erase(streams_.begin() + static_cast<std::ptrdiff_t>(index));
  if (streams_.empty()) output.account.end_work(clock_.edge(data_end_));
}

Cycle HostController::activate_ready() const {
  Cycle ready = 0;
  for (int b = 0; b < dram_->organization.banks(); ++b) ready = std::max(ready, timing_.ready(DramCommand::act1, b));
  return row_timing_ ? ready : 0;
}

Cycle HostController::precharge_ready() const { return open_banks_ != 0 && row_timing_ ? timing_.ready(DramCommand::prea) : 0; }

Cycle HostController::precharge_all(Cycle t, std::int32_t op, ChannelOutput& output) {
  forget_states();
  if (open_banks_ != 0) issue_precharge_all(t, op, output);
  return std::max(t, row_timing_ ? timing_.ready(DramCommand::refab) : 0);
}

}  // namespace bondsim
