#include <algorithm>

#include "models/base/error.hpp"
#include "models/dram/host/host_controller.hpp"

/// Effects of each command on banks, requests and output.
namespace bondsim {

void HostController::issue(const CommandChoice& choice, Cycle t, ChannelOutput& output) {
  switch (choice.command) {
    case DramCommand::rd:
    case DramCommand::wr:
      return issue_column(choice, t, output);
    case DramCommand::act1:
      return issue_act1(choice, t, output);
    case DramCommand::act2:
      return issue_act2(choice, t, output);
    case DramCommand::pre:
      return issue_precharge(choice, t, output);
    case DramCommand::prea: {
      const Cycle closed = t + dram_->timing.n_rp_ab;
      output.account.add(TimeAccount::Kind::refresh, clock_.edge(t), clock_.edge(closed), clock_.edge(t));
      return issue_precharge_all(t, choice.bank, state_.streams.first_op(), output);
    }
    case DramCommand::cas_rd:
    case DramCommand::cas_wr: {
      const std::int32_t op = state_.streams.at(state_.queues.at(choice.request).stream).op;
      return output.record(clock_.edge(t), choice.command, -1, -1, -1, op);
    }
    default:
      return issue_refresh(choice, t, output);
  }
}

void HostController::issue_act1(const CommandChoice& choice, Cycle t, ChannelOutput& output) {
  Request& request = state_.queues.at(choice.request);
  if (!request.started) request.row_outcome = RequestOutcome::Row::miss;
  request.started = true;
  state_.rows.begin_opening(choice.bank, request.at.row, choice.request, t);
  state_.timing.issued(DramCommand::act1, choice.bank, t);
  refresh_of(output).activates.activated(static_cast<std::size_t>(choice.bank));
  const std::int32_t op = state_.streams.at(request.stream).op;
  ++output.of(op).activates;
  output.account.change_open_rows(clock_.edge(t), 1);
  output.record(clock_.edge(t), DramCommand::act1, named(choice.bank), request.at.row, -1, op);
}

/// The row is open: its request leaves the queue and is served before others.
void HostController::issue_act2(const CommandChoice& choice, Cycle t, ChannelOutput& output) {
  const Request& request = state_.queues.at(choice.request);
  state_.rows.finish_opening(choice.bank);
  state_.queues.unlink(choice.request, request.at.row);
  state_.queues.rescan(choice.bank, request.at.row);
  state_.timing.issued(DramCommand::act2, choice.bank, t);
  output.record(clock_.edge(t), DramCommand::act2, named(choice.bank), request.at.row, -1, state_.streams.at(request.stream).op);
}

void HostController::issue_column(const CommandChoice& choice, Cycle t, ChannelOutput& output) {
  Request& request = state_.queues.at(choice.request);
  if (!state_.row_timing) open_without_time(request, t, output);
  if (state_.rows.at(choice.bank).active == choice.request) {
    state_.rows.serve(choice.bank);
  } else {
    state_.queues.unlink(choice.request, state_.rows.at(choice.bank).row);
  }
  state_.timing.issued(choice.command, choice.bank, t);
  state_.wck.accessed(request.write, t);
  const std::int32_t slot = request.stream;
  Stream& stream = state_.streams.at(slot);
  ChannelCounts& counts = output.of(stream.op);
  ++(request.write ? counts.writes : counts.reads);
  const Cycle data = t + (request.write ? dram_->timing.n_cwl : dram_->timing.n_cl);
  const Cycle end = data + dram_->timing.n_bl_min;
  const Picoseconds now = clock_.edge(t);
  output.account.add(TimeAccount::Kind::data, clock_.edge(data), clock_.edge(end), now);
  output.record(now, choice.command, named(choice.bank), request.at.row, request.at.column * dram_->organization.burst_length, stream.op);
  if (request.listed) {
    output.outcomes.push_back(
        {request.id, request.arrival, clock_.edge(request.accepted), clock_.edge(end), request.write, request.row_outcome});
  }
  state_.data_end = std::max(state_.data_end, end);
  stream.data_end = std::max(stream.data_end, end);
  --stream.in_flight;
  state_.queues.release(choice.request);
  if (stream.in_flight == 0 && stream.exhausted()) finish(slot, output);
  if (state_.nothing_waits() && !state_.streams.empty()) await_arrival(output);
}

/// When the requests to come have not arrived yet, there is no work until the first of them does.
void HostController::await_arrival(ChannelOutput& output) const {
  const Picoseconds first = state_.streams.first_arrival();
  if (first <= clock_.edge(state_.data_end)) return;
  output.account.end_work(clock_.edge(state_.data_end), of_.index);
  output.account.begin_work(first, of_.index);
}

/// Row timing switched off: the row changes at no cost of time, but is counted.
void HostController::open_without_time(const Request& request, Cycle t, ChannelOutput& output) {
  const std::int32_t b = request.at.bank;
  const std::int32_t open_row = state_.rows.at(b).open_row();
  if (open_row == request.at.row) return;
  const std::int32_t op = state_.streams.at(request.stream).op;
  const Picoseconds now = clock_.edge(t);
  if (open_row >= 0) {
    ++output.of(op).precharges;
    output.account.change_open_rows(now, -1);
    output.record(now, DramCommand::pre, named(b), -1, -1, op);
  }
  ++output.of(op).activates;
  refresh_of(output).activates.activated(static_cast<std::size_t>(b));
  output.account.change_open_rows(now, 1);
  state_.rows.open_at_once(b, request.at.row);
  output.record(now, DramCommand::act1, named(b), request.at.row, -1, op);
  output.record(now, DramCommand::act2, named(b), request.at.row, -1, op);
}

void HostController::issue_precharge(const CommandChoice& choice, Cycle t, ChannelOutput& output) {
  std::int32_t op = state_.streams.first_op();
  if (choice.request >= 0) {
    Request& request = state_.queues.at(choice.request);
    if (!request.started) request.row_outcome = RequestOutcome::Row::conflict;
    request.started = true;
    op = state_.streams.at(request.stream).op;
  }
  state_.rows.close(choice.bank);
  state_.queues.rescan(choice.bank, -1);
  state_.timing.issued(DramCommand::pre, choice.bank, t);
  ++output.of(op).precharges;
  output.account.change_open_rows(clock_.edge(t), -1);
  output.record(clock_.edge(t), DramCommand::pre, named(choice.bank), -1, -1, op);
}

void HostController::issue_precharge_all(Cycle t, std::int32_t bank, std::int32_t op, ChannelOutput& output) {
  const DramOrganization& shape = dram_->organization;
  const int first = bank < 0 ? 0 : shape.rank_of(bank) * shape.banks_per_rank();
  const std::uint64_t closed = state_.rows.open() & bank_mask(first, bank < 0 ? shape.banks() : shape.banks_per_rank());
  output.account.change_open_rows(clock_.edge(t), -__builtin_popcountll(closed));
  for_each_bank(closed, [&](std::size_t b) {
    state_.rows.close(static_cast<std::int32_t>(b));
    state_.queues.rescan(static_cast<std::int32_t>(b), -1);
    ++output.of(op).precharges;
  });
  state_.timing.issued(DramCommand::prea, bank, t);
  output.record(clock_.edge(t), DramCommand::prea, named(bank), -1, -1, op);
}

void HostController::issue_refresh(const CommandChoice& choice, Cycle t, ChannelOutput& output) {
  const std::int32_t op = state_.streams.first_op();
  const bool to_rank = choice.command == DramCommand::refab || choice.command == DramCommand::rfmab;
  if (!state_.row_timing && state_.rows.open() != 0) issue_precharge_all(t, to_rank ? choice.bank : -1, op, output);
  noteworthy_ = refresh_of(output).position == 0;
  const bool by_rfm = choice.command == DramCommand::rfmab || choice.command == DramCommand::rfmpb;
  const bool all = choice.command == DramCommand::refab || choice.command == DramCommand::rfmab;
  RefreshState managed;  // refresh management keeps its own turns
  if (by_rfm && choice.bank >= 0) managed.position = refresh_->turn_of(choice.bank);
  RefreshState& state = by_rfm ? managed : refresh_of(output);
  refresh_of(output).activates.refreshed(refresh_->banks(state), by_rfm);
  refresh_->issued(state_.timing, t, state);
  ChannelCounts& counts = output.of(op);
  if (by_rfm) {
    ++(all ? counts.managements_all_bank : counts.managements_per_bank);
  } else {
    ++(all ? counts.refreshes_all_bank : counts.refreshes_per_bank);
  }
  const Picoseconds now = clock_.edge(t);
  output.account.add(TimeAccount::Kind::refresh, now, clock_.edge(t + refresh_->cycles()), now);
  output.record(now, choice.command, named(choice.bank), -1, -1, op);
}

/// All requests of a stream are served: its end is known.
void HostController::finish(std::int32_t slot, ChannelOutput& output) {
  fast_forward_.forget();
  const Stream& stream = state_.streams.at(slot);
  output.host_done(stream.tag, clock_.edge(stream.data_end));
  state_.streams.remove(slot);
  if (state_.streams.empty()) output.account.end_work(clock_.edge(state_.data_end), of_.index);
}

}  // namespace bondsim
