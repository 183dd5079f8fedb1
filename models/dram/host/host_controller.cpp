#include "models/dram/host/host_controller.hpp"

#include "models/base/error.hpp"

namespace bondsim {

HostController::HostController(const DramConfig& dram, const ControllerConfig& controller, const ChannelSwitches& switches,
                               const std::vector<TimingRule>& rules, const Clock& clock)
    : dram_(&dram),
      controller_(std::make_shared<const ControllerConfig>(controller)),
      row_timing_(switches.row_timing),
      write_wait_(cycles_of_ns(controller.write_wait_ns, dram.timing.ck_mhz)),
      clock_(clock),
      timing_(dram.organization, rules),
      banks_(static_cast<std::size_t>(dram.organization.banks())),
      entries_(static_cast<std::size_t>(controller.read_queue + controller.write_queue + dram.organization.banks())) {
  const std::int64_t interval = refresh_period(dram, RefreshKind::all_bank).value;
  if (controller.refresh_postpone > 0) postponed_ps_ = controller.refresh_postpone * interval - interval / 4;
  const int banks = dram.organization.banks();
  check(banks <= 64 && dram.organization.bank_groups <= max_bank_groups, "{} banks are more than a channel can have", banks);
  all_banks_ = banks == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << banks) - 1;
  free_all_entries();
}

void HostController::free_all_entries() {
  free_entry_ = 0;
  for (std::size_t i = 0; i < entries_.size(); ++i) entries_[i].next = static_cast<std::int32_t>(i + 1 < entries_.size() ? i + 1 : -1);
}

/// Edges as many cycles apart must be as far apart in time, else states that look alike are not.
void HostController::remember(std::shared_ptr<HostMemo> memo) {
  if (clock_.whole_picoseconds()) memo_ = std::move(memo);
}

void HostController::submit(const HostTransfer& transfer, Picoseconds submitted, Cycle visible) {
  Stream stream;
  stream.submitted = submitted;
  stream.visible = visible;
  stream.cursor = ExtentCursor(transfer.extent, dram_->organization);
  stream.write = transfer.write;
  stream.op = transfer.op;
  stream.tag = transfer.tag;
  check(!stream.exhausted(), "an empty transfer was submitted");
  add_stream(std::move(stream));
}

void HostController::submit(const RequestList& list, std::int32_t op, std::uint64_t tag, Picoseconds submitted, Cycle visible) {
  Stream stream;
  stream.submitted = submitted;
  stream.visible = visible;
  stream.list = list;
  stream.listed = true;
  stream.op = op;
  stream.tag = tag;
  check(!stream.exhausted(), "an empty list of requests was submitted");
  add_stream(std::move(stream));
}

/// Streams are kept by (submitted, tag), so the order of calls within one simulated time does not matter.
void HostController::add_stream(Stream stream) {
  forget_states();
  stream.slot = next_slot_++;
  auto at = streams_.end();
  while (at != streams_.begin() && (at - 1)->submitted == stream.submitted && (at - 1)->tag > stream.tag) --at;
  next_ = std::min(next_, stream.visible);
  streams_.insert(at, std::move(stream));
}

std::size_t HostController::stream_of(const Entry& entry) const {
  std::size_t i = 0;
  while (streams_[i].slot != entry.stream) ++i;
  return i;
}

void HostController::step(ChannelOutput& output, Picoseconds limit, Picoseconds furthest) {
  const bool remembers = memo_ != nullptr && !output.keep_log;
  if (remembers && state_ >= 0 && repeat(output, furthest)) return;
  if (remembers && streams_.empty() && skip_idle_refreshes(output, limit)) return;
  const Cycle t = next_;
  state_ = -1;
  if (!remembers) recording_.state = -1;
  noteworthy_ = false;
  decided_ = t + 1;
  accept(t, output);
  Choice choice;
  choose(t, choice, output);
  if (choice.found) issue(choice, t, output);
  next_ = choice.found ? t + 1 : std::max(choice.earliest, t + 1);
  if (next_ > t + 1) next_ = std::min(next_, next_acceptance(t));
  if (next_ > t + 1 && output.refresh.enabled) {
    const Cycle due = nothing_waits() ? refresh_cycle(output) : forced_refresh_cycle(output);
    if (due > t) next_ = std::min(next_, due);
  }
  if (remembers && noteworthy_) note_state(output);
}

// ---- Requests enter -------------------------------------------------------------------------------------------------------

/// At most one request a cycle, reads and writes in turn; of either kind the transfer submitted first goes first.
bool HostController::accept(Cycle t, ChannelOutput& output) {
  for (const bool write : {write_turn_, !write_turn_}) {
    if (full(write) && (write || waiting_[1] == 0)) continue;
    for (std::size_t i = 0; i < streams_.size(); ++i) {
      Stream& stream = streams_[i];
      if (stream.visible > t || stream.exhausted() || stream.next_is_write() != write || !arrived(stream, t)) continue;
      if (!accept_from(stream, t, output)) break;
      write_turn_ = !write;
      if (stream.exhausted() && stream.in_flight == 0) finish(i, output);  // the last one was forwarded
      return true;
    }
  }
  return false;
}

bool HostController::arrived(const Stream& stream, Cycle t) const {
  return !stream.listed || clock_.edge(t) >= stream.list.items[stream.index].arrival;
}

bool HostController::accept_from(Stream& stream, Cycle t, ChannelOutput& output) {
  const ListedRequest* listed = stream.listed ? &stream.list.items[stream.index] : nullptr;
  const bool write = stream.next_is_write();
  const BurstAddress at = listed != nullptr ? listed->at : stream.cursor.at();
  const bool forward = !write && waiting_[1] != 0 && forwarded(at);
  if (!forward && full(write)) return false;
  const Picoseconds now = clock_.edge(t);
  const Picoseconds arrival = listed != nullptr && listed->arrival.value > 0 ? listed->arrival : now;
  if (forward) {
    stream.data_end = std::max(stream.data_end, t + 1);
    data_end_ = std::max(data_end_, t + 1);
    if (listed != nullptr) output.outcomes.push_back({listed->id, arrival, now, clock_.edge(t + 1), false, RequestOutcome::Row::forwarded});
  } else {
    const std::int32_t index = free_entry_;
    Entry& entry = entry_at(index);
    free_entry_ = entry.next;
    entry = Entry{};
    entry.accepted = t;
    entry.order = order_++;
    entry.at = at;
    entry.stream = stream.slot;
    entry.arrival = arrival;
    entry.write = write;
    entry.listed = listed != nullptr;
    if (listed != nullptr) entry.id = listed->id;
    ++stream.in_flight;
    enqueue(index);
  }
  if (stream.listed) {
    ++stream.index;
  } else {
    noteworthy_ |= stream.cursor.advance();
  }
  return true;
}

/// Whether a write to the same burst waits in the queue: its data serve the read.
bool HostController::forwarded(const BurstAddress& at) const {
  for (std::int32_t e = bank_at(at.bank).chain[1].head; e >= 0; e = entry_at(e).next) {
    if (entry_at(e).at.row == at.row && entry_at(e).at.column == at.column) return true;
  }
  return false;
}

void HostController::enqueue(std::int32_t index) {
  Entry& entry = entry_at(index);
  Bank& bank = bank_at(entry.at.bank);
  Chain& chain = bank.chain[entry.write];
  entry.previous = chain.tail;
  (chain.tail >= 0 ? entry_at(chain.tail).next : chain.head) = index;
  chain.tail = index;
  if (bank.state == RowState::open) {
    std::int32_t& first = entry.at.row == bank.row ? chain.hit : chain.miss;
    if (first < 0) first = index;
  }
  ++queued_[entry.write];
  waiting_[entry.write] |= std::uint64_t{1} << entry.at.bank;
}

void HostController::unlink(Bank& bank, std::int32_t index) {
  Entry& entry = entry_at(index);
  Chain& chain = bank.chain[entry.write];
  if (chain.hit == index) {
    chain.hit = entry.next;
    while (chain.hit >= 0 && entry_at(chain.hit).at.row != bank.row) chain.hit = entry_at(chain.hit).next;
  }
  (entry.previous >= 0 ? entry_at(entry.previous).next : chain.head) = entry.next;
  (entry.next >= 0 ? entry_at(entry.next).previous : chain.tail) = entry.previous;
  --queued_[entry.write];
  if (chain.head < 0) waiting_[entry.write] &= ~(std::uint64_t{1} << entry.at.bank);
}

/// Finds the oldest hit and miss of both directions after the bank's row has changed.
void HostController::rescan(Bank& bank) {
  for (Chain& chain : bank.chain) {
    chain.hit = chain.miss = -1;
    if (bank.state != RowState::open) continue;
    for (std::int32_t e = chain.head; e >= 0 && (chain.hit < 0 || chain.miss < 0); e = entry_at(e).next) {
      std::int32_t& first = entry_at(e).at.row == bank.row ? chain.hit : chain.miss;
      if (first < 0) first = e;
    }
  }
}

/// First cycle after `t` at which a request may enter, as far as the queues are now.
Cycle HostController::next_acceptance(Cycle t) const {
  Cycle next = never;
  for (const Stream& stream : streams_) {
    if (stream.exhausted()) continue;
    Cycle at = std::max(t + 1, stream.visible);
    bool write = stream.write;
    if (stream.listed) {
      const ListedRequest& listed = stream.list.items[stream.index];
      write = listed.write;
      if (listed.arrival.value > 0) at = std::max(at, clock_.edge_at_or_after(listed.arrival));
    }
    if (!full(write)) next = std::min(next, at);
  }
  return next;
}

// ---- A command is chosen --------------------------------------------------------------------------------------------------

void HostController::consider(Cycle t, Choice& choice, std::int64_t order, std::int32_t entry, std::int32_t bank, DramCommand command,
                              Cycle ready) {
  if (ready > t) {
    choice.earliest = std::min(choice.earliest, ready);
  } else if (order < choice.order) {
    choice.found = true;
    choice.order = order;
    choice.entry = entry;
    choice.bank = bank;
    choice.command = command;
  }
}

void HostController::choose(Cycle t, Choice& choice, const ChannelOutput& output) {
  const bool refresh = output.refresh.enabled && clock_.edge(t).value >= output.refresh.due_ps + (nothing_waits() ? 0 : postponed_ps_);
  if ((active_banks_ | opening_banks_) != 0) choose_opened(t, choice, refresh);
  if (choice.found || opened_write_overdue(t)) return;
  std::uint64_t blocked = 0;
  if (refresh) {
    if (controller_->refresh == RefreshKind::all_bank) {
      choose_refresh_all(t, choice);
      return;
    }
    blocked = refresh_banks(output);
    choose_refresh_banks(t, choice, blocked);
    if (choice.found || ((active_banks_ | opening_banks_) & blocked) != 0) return;
  }
  set_write_mode(t);
  choose_queued(t, choice, blocked);
  if (!choice.found && controller_->page_policy == PagePolicy::closed) choose_close(t, choice);
}

/// Requests whose row was opened for them come first; an ACT2 that would come too late comes before all.
void HostController::choose_opened(Cycle t, Choice& choice, bool all_opening) const {
  for (std::uint64_t mask = opening_banks_; mask != 0; mask &= mask - 1) {
    const int b = __builtin_ctzll(mask);
    const Bank& bank = bank_at(b);
    const Cycle last = bank.act1 + timing_.act2_deadline();
    if (all_opening || t >= last) {
      consider(t, choice, t >= last ? -1 : entry_at(bank.owner).order, bank.owner, b, DramCommand::act2,
               timing_.ready(DramCommand::act2, b));
    } else {
      choice.earliest = std::min(choice.earliest, last);
    }
  }
  for (std::uint64_t mask = active_banks_; mask != 0; mask &= mask - 1) {
    const int b = __builtin_ctzll(mask);
    const Entry& entry = entry_at(bank_at(b).active);
    const DramCommand command = entry.write ? DramCommand::wr : DramCommand::rd;
    consider(t, choice, entry.order, bank_at(b).active, b, command, timing_.ready(command, b));
  }
}

void HostController::choose_refresh_all(Cycle t, Choice& choice) const {
  if ((active_banks_ | opening_banks_) != 0) return;
  if (open_banks_ != 0 && row_timing_) {
    consider(t, choice, 0, -1, -1, DramCommand::prea, timing_.ready(DramCommand::prea));
  } else {
    consider(t, choice, 0, -1, -1, DramCommand::refab, refresh_ready(all_banks_));
  }
}

void HostController::choose_refresh_banks(Cycle t, Choice& choice, std::uint64_t banks) const {
  if (((active_banks_ | opening_banks_) & banks) != 0) return;
  if ((open_banks_ & banks) != 0 && row_timing_) {
    const int b = __builtin_ctzll(open_banks_ & banks);
    consider(t, choice, 0, -1, b, DramCommand::pre, timing_.ready(DramCommand::pre, b));
    return;
  }
  consider(t, choice, 0, -1, __builtin_ctzll(banks), DramCommand::refpb, refresh_ready(banks));
}

/// First cycle at which these closed banks (all of them, if all are refreshed at once) may be refreshed.
Cycle HostController::refresh_ready(std::uint64_t banks) const {
  if (controller_->refresh == RefreshKind::all_bank) return timing_.ready(DramCommand::refab);
  Cycle ready = 0;
  for_each_bank(banks, [&](std::size_t b) { ready = std::max(ready, timing_.ready(DramCommand::refpb, static_cast<int>(b))); });
  return ready;
}

void HostController::set_write_mode(Cycle t) {
  const int writes = queued_[1];
  if (writes_overdue_) {
    writes_overdue_ = write_mode_ = writes > 0;
  } else if (!write_mode_) {
    writes_overdue_ = writes > 0 && queued_[0] > 0 && write_wait_ > 0 && t - oldest_write() >= write_wait_;
    write_mode_ = writes_overdue_ || writes * 100 > controller_->write_high_percent * controller_->write_queue || queued_[0] == 0;
  } else {
    write_mode_ = !(writes * 100 < controller_->write_low_percent * controller_->write_queue && queued_[0] != 0);
  }
}

/// Whether a write whose row is open has waited too long for reads to leave it the bus.
bool HostController::opened_write_overdue(Cycle t) const {
  if (write_wait_ == 0 || write_mode_) return false;
  for (std::uint64_t mask = active_banks_; mask != 0; mask &= mask - 1) {
    const Bank& bank = bank_at(__builtin_ctzll(mask));
    if (entry_at(bank.active).write && t - bank.act1 >= write_wait_) return true;
  }
  return false;
}

/// When the oldest write of the queue was accepted.
Cycle HostController::oldest_write() const {
  Cycle oldest = never;
  for (std::uint64_t mask = waiting_[1]; mask != 0; mask &= mask - 1) {
    oldest = std::min(oldest, entry_at(bank_at(__builtin_ctzll(mask)).chain[1].head).accepted);
  }
  return oldest;
}

void HostController::choose_queued(Cycle t, Choice& choice, std::uint64_t blocked) const {
  const DramCommand column = write_mode_ ? DramCommand::wr : DramCommand::rd;
  const bool bus_ready = timing_.ready(column) <= t;  // else no bank needs to be asked for a column
  if (!bus_ready) choice.earliest = std::min(choice.earliest, timing_.ready(column));
  for (std::uint64_t mask = opening_banks_; mask != 0; mask &= mask - 1) {
    const int b = __builtin_ctzll(mask);
    const std::int32_t owner = bank_at(b).owner;
    consider(t, choice, entry_at(owner).order, owner, b, DramCommand::act2, timing_.ready(DramCommand::act2, b));
  }
  for (std::uint64_t mask = waiting_[write_mode_] & ~(blocked | opening_banks_); mask != 0; mask &= mask - 1) {
    const int b = __builtin_ctzll(mask);
    const Bank& bank = bank_at(b);
    const Chain& chain = bank.chain[write_mode_];
    if (!row_timing_) {
      consider(t, choice, entry_at(chain.head).order, chain.head, b, column, timing_.ready(column, b));
    } else if (bank.state == RowState::closed) {
      consider(t, choice, entry_at(chain.head).order, chain.head, b, DramCommand::act1, timing_.ready(DramCommand::act1, b));
    } else {
      if (chain.hit >= 0 && bus_ready) consider(t, choice, entry_at(chain.hit).order, chain.hit, b, column, timing_.ready(column, b));
      if (chain.miss >= 0 && bank.active < 0) {
        consider(t, choice, entry_at(chain.miss).order, chain.miss, b, DramCommand::pre, timing_.ready(DramCommand::pre, b));
      }
    }
  }
}

/// Closed page: a row that no queued request hits is closed when nothing else can be done.
void HostController::choose_close(Cycle t, Choice& choice) const {
  if (!row_timing_) return;
  for (std::uint64_t mask = open_banks_ & ~active_banks_; mask != 0; mask &= mask - 1) {
    const int b = __builtin_ctzll(mask);
    const Bank& bank = bank_at(b);
    if (bank.chain[0].hit >= 0 || bank.chain[1].hit >= 0) continue;
    consider(t, choice, bank.act1, -1, b, DramCommand::pre, timing_.ready(DramCommand::pre, b));
  }
}

/// When a refresh goes before everything: when it is due, or as much later as it may be postponed, less a quarter of an interval in which
/// what is under way ends.
Cycle HostController::forced_refresh_cycle(const ChannelOutput& output) const {
  return clock_.edge_at_or_after(Picoseconds(output.refresh.due_ps + postponed_ps_));
}

std::uint64_t HostController::refresh_banks(const ChannelOutput& output) const {
  const int banks = dram_->organization.banks();
  const int together = banks_per_refresh(*dram_);
  std::uint64_t mask = 0;
  for (int i = 0; i < together; ++i) mask |= std::uint64_t{1} << (output.refresh.position + i * (banks / together));
  return mask;
}

}  // namespace bondsim
