#include "models/dram/host/host_controller.hpp"

#include <algorithm>
#include <utility>

#include "models/base/error.hpp"

namespace bondsim {

HostController::HostController(const DramConfig& dram, const ControllerConfig& controller, const ChannelSwitches& switches,
                               const std::vector<TimingRule>& rules, const Clock& clock, const PseudoChannel& of)
    : dram_(&dram),
      of_(of),
      clock_(clock),
      scheduler_(make_scheduler(controller)),
      closing_(make_row_closing(controller.page_policy)),
      refresh_(make_refresh_policy(dram, controller.refresh)),
      state_{TimingState(dram.organization, rules),
             RowBuffers(dram.organization.banks()),
             RequestQueues(controller.read_queue, controller.write_queue, dram.organization.banks()),
             Streams(dram.organization, of),
             WriteDrain(controller, dram.timing.ck_mhz),
             WckSync(dram.timing),
             CommandChoice{},
             switches.row_timing},
      fast_forward_(clock, closing_->needs_row_age()) {
  const std::int64_t interval = refresh_period(dram, RefreshKind::all_bank).value;
  if (controller.refresh_postpone > 0) postponed_ps_ = controller.refresh_postpone * interval - interval / 4;
  const int banks = dram.organization.banks();
  check(banks <= 64 && dram.organization.bank_groups <= max_bank_groups, "{} banks are more than a channel can have", banks);
}

void HostController::submit(const HostTransfer& transfer, Picoseconds submitted, Cycle visible) {
  fast_forward_.forget();
  state_.streams.add(transfer, submitted, visible);
  state_.next = std::min(state_.next, visible);
}

void HostController::submit(const RequestList& list, std::int32_t op, std::uint64_t tag, Picoseconds submitted, Cycle visible) {
  fast_forward_.forget();
  state_.streams.add(list, op, tag, submitted, visible);
  state_.next = std::min(state_.next, visible);
}

void HostController::step(ChannelOutput& output, Picoseconds limit, Picoseconds furthest) {
  const bool fast = fast_forward_.enabled() && !output.keep_log;
  if (fast && fast_forward_.advance(state_, output, furthest)) return;
  if (fast && state_.streams.empty() && skip_idle_refreshes(output, limit)) return;
  const Cycle t = state_.next;
  fast_forward_.forget_state();
  if (!fast) fast_forward_.stop_recording();
  CommandChoice choice;
  decide(t, {}, output, choice);
  if (fast && noteworthy_) fast_forward_.record(state_, output);
}

void HostController::step(ChannelOutput& output, CommandBuses& buses) {
  CommandChoice choice;
  if (decide(state_.next, buses, output, choice)) (CommandChoice::to_column(choice.command) ? buses.column : buses.row) = true;
}

bool HostController::act2_due(Cycle t) const {
  for (std::uint64_t mask = state_.rows.opening(); mask != 0; mask &= mask - 1) {
    if (state_.rows.at(__builtin_ctzll(mask)).act1 + state_.timing.act2_deadline() <= t) return true;
  }
  return false;
}

/// Cycle `t`: a request enters, a command is issued. @return whether one is
bool HostController::decide(Cycle t, const CommandBuses& taken, ChannelOutput& output, CommandChoice& choice) {
  noteworthy_ = false;
  state_.decided = t + 1;
  accept(t, output);
  choice.taken = taken;
  if (state_.after_cas.found) {
    std::swap(choice, state_.after_cas);
  } else {
    choose(t, choice, output);
    if (choice.found && !state_.wck.runs(t)) synchronize_wck(t, choice);
  }
  if (choice.found) issue(choice, t, output);
  Cycle next = choice.found ? t + 1 : std::max(choice.earliest, t + 1);
  if (next > t + 1) {
    const bool full[2] = {state_.queues.full(false), state_.queues.full(true)};
    next = std::min(next, state_.streams.next_acceptance(t, clock_, full));
  }
  if (next > t + 1 && refresh_of(output).enabled) {
    const Cycle due = refresh_cycle(output, !state_.nothing_waits());
    if (due > t) next = std::min(next, due);
  }
  state_.next = next;
  return choice.found;
}

// ---- Requests enter -------------------------------------------------------------------------------------------------------

/// At most one request a cycle, reads and writes in turn; of either kind the transfer submitted first goes first.
bool HostController::accept(Cycle t, ChannelOutput& output) {
  state_.streams.give_turns(t);
  for (const bool write : {state_.write_turn, !state_.write_turn}) {
    if (state_.queues.full(write) && (write || state_.queues.banks_waiting(true) == 0)) continue;
    const std::int32_t slot = state_.streams.next(write, t, clock_.edge(t));
    if (slot < 0 || !accept_from(slot, t, output)) continue;
    state_.write_turn = !write;
    const Stream& stream = state_.streams.at(slot);
    if (stream.exhausted()) {
      state_.streams.exhausted(slot, t);
      if (state_.streams.at(slot).in_flight == 0) finish(slot, output);  // the last one was forwarded
    }
    return true;
  }
  return false;
}

bool HostController::accept_from(std::int32_t slot, Cycle t, ChannelOutput& output) {
  RequestQueues& queues = state_.queues;
  Stream& stream = state_.streams.at(slot);
  const ListedRequest* listed = stream.listed ? &stream.list.items[stream.index] : nullptr;
  const bool write = stream.next_is_write();
  const BurstAddress at = listed != nullptr ? listed->at : stream.cursor.at();
  const bool forward = !write && queues.banks_waiting(true) != 0 && queues.holds_write(at);
  if (!forward && queues.full(write)) return false;
  const Picoseconds now = clock_.edge(t);
  const Picoseconds arrival = listed != nullptr && listed->arrival.value > 0 ? listed->arrival : now;
  if (forward) {
    stream.data_end = std::max(stream.data_end, t + 1);
    state_.data_end = std::max(state_.data_end, t + 1);
    if (listed != nullptr) output.outcomes.push_back({listed->id, arrival, now, clock_.edge(t + 1), false, RequestOutcome::Row::forwarded});
  } else {
    const std::int32_t index = queues.take();
    Request& request = queues.at(index);
    request.accepted = t;
    request.at = at;
    request.stream = slot;
    request.arrival = arrival;
    request.write = write;
    request.listed = listed != nullptr;
    if (listed != nullptr) request.id = listed->id;
    ++stream.in_flight;
    queues.enqueue(index, state_.rows.at(at.bank).open_row());
  }
  if (stream.listed) {
    ++stream.index;
  } else {
    noteworthy_ |= stream.cursor.advance();
  }
  return true;
}

// ---- A command is chosen --------------------------------------------------------------------------------------------------

void HostController::choose(Cycle t, CommandChoice& choice, const ChannelOutput& output) {
  const RefreshState& refresh = refresh_of(output);
  const std::uint64_t full = refresh.activates.full();
  const bool refresh_due = refresh.enabled && clock_.edge(t).value >= refresh.due_ps + (state_.nothing_waits() ? 0 : postponed_ps_);
  const bool by_rfm = full != 0 && !refresh_due;  // a REF lowers counts too
  const bool due = full != 0 || refresh_due;
  if (state_.rows.unserved()) choose_opened(state_, t, due, choice);
  if (choice.found || state_.drain.opened_write_overdue(t, state_.rows, state_.queues)) return;
  std::uint64_t blocked = full;
  if (due) {
    RefreshState managed;
    if (by_rfm) managed.position = refresh_->turn_of(__builtin_ctzll(full));
    const RefreshState& next = by_rfm ? managed : refresh;
    refresh_->choose(state_, t, next, choice);
    if (by_rfm && choice.command == DramCommand::refab) choice.command = DramCommand::rfmab;
    if (by_rfm && choice.command == DramCommand::refpb) choice.command = DramCommand::rfmpb;
    if (!refresh_->lets_others_go_on()) return;
    blocked |= refresh_->banks(next);
    if (choice.found || ((state_.rows.active() | state_.rows.opening()) & blocked) != 0) return;
  }
  state_.drain.update(t, state_.queues);
  scheduler_->choose(state_, t, state_.drain.writing(), blocked, choice);
  if (!choice.found) closing_->choose(state_, t, choice);
}

/// A RD or WR finds WCK stopped: CAS comes instead, and the access at the next cycle. An ACT2 that must come then goes first.
void HostController::synchronize_wck(Cycle t, CommandChoice& choice) {
  if ((choice.command != DramCommand::rd && choice.command != DramCommand::wr) || !state_.row_timing) return;
  for (std::uint64_t mask = state_.rows.opening(); mask != 0; mask &= mask - 1) {
    const int b = __builtin_ctzll(mask);
    const RowBuffers::Buffer& buffer = state_.rows.at(b);
    if (buffer.act1 + state_.timing.act2_deadline() > t + 1) continue;
    choice = CommandChoice{};
    choice.consider(t, -1, buffer.owner, b, DramCommand::act2, state_.timing.ready(DramCommand::act2, b));
    return;
  }
  state_.after_cas = choice;
  choice.command = choice.command == DramCommand::rd ? DramCommand::cas_rd : DramCommand::cas_wr;
  choice.bank = -1;
}

/// First cycle at which every bank may be refreshed.
Cycle HostController::refreshes_ready() const {
  Cycle ready = 0;
  RefreshState state;
  for (; state.position < refresh_->turns(); ++state.position)
    ready = std::max(ready, refresh_->ready(state_.timing, refresh_->banks(state)));
  return ready;
}

// ---- The mode changes -----------------------------------------------------------------------------------------------------

Cycle HostController::activate_ready() const {
  if (!state_.row_timing) return 0;
  Cycle ready = 0;
  for (int b = 0; b < dram_->organization.banks(); ++b) ready = std::max(ready, state_.timing.ready(DramCommand::act1, b));
  return ready;
}

Cycle HostController::precharge_ready() const {
  if (!state_.row_timing) return 0;
  Cycle ready = 0;
  for_each_open_rank([&](std::int32_t bank) { ready = std::max(ready, state_.timing.ready(DramCommand::prea, bank)); });
  return ready;
}

Cycle HostController::precharge_all(Cycle t, std::int32_t op, ChannelOutput& output) {
  fast_forward_.forget();
  const bool one = dram_->organization.ranks == 1;
  Cycle at = t;
  for_each_open_rank([&](std::int32_t bank) { issue_precharge_all(at++, one ? -1 : bank, op, output); });
  // Without row timing they take no time, but each has a cycle of its own on the bus.
  if (!state_.row_timing) return std::max(t, at - 1);
  const int banks = dram_->organization.banks_per_rank();
  for (int rank = 0; rank < dram_->organization.ranks; ++rank) t = std::max(t, state_.timing.ready(DramCommand::refab, rank * banks));
  return t;
}

void HostController::resume(Cycle cycle) {
  fast_forward_.forget();
  state_.next = cycle;
  state_.timing.block_until(cycle);
}

// ---- Nothing to do --------------------------------------------------------------------------------------------------------

/// A channel with nothing to do refreshes in time, one refresh like the other: those until `limit` are counted at once, but for the last
/// few, which leave the timing behind that work to come will meet. @return whether there were any.
bool HostController::skip_idle_refreshes(ChannelOutput& output, Picoseconds limit) {
  RefreshState& refresh = refresh_of(output);
  if (!refresh.enabled || state_.rows.open() != 0 || !idle() || state_.next != refresh_cycle(output, false)) return false;
  const bool all = refresh_->command() == DramCommand::refab;
  const std::int64_t interval = refresh_->interval_ps();
  const std::int64_t length = clock_.edge(refresh_->cycles()).value;
  const std::int64_t turns = refresh_->turns();
  const std::int64_t count = ((limit.value - refresh.due_ps) / interval / turns - 2) * turns;
  const bool settled = state_.data_end <= state_.next && refreshes_ready() <= state_.next;
  if (count <= 0 || !settled || length + clock_.edge(1).value > interval) return false;
  const Picoseconds begin = clock_.edge(state_.next);
  refresh.due_ps += count * interval;
  state_.next = refresh_cycle(output, false);
  (all ? output.of(-1).refreshes_all_bank : output.of(-1).refreshes_per_bank) += count;
  output.account.add_sums(begin, {0, count * length, 0, 0, 0, (clock_.edge(state_.next) - begin).value - count * length, 0});
  return true;
}

}  // namespace bondsim
