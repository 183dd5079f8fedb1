#include "models/dram/channel/channel_core.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "models/base/error.hpp"

namespace bondsim {
namespace {

constexpr Picoseconds longest_fast_forward{1'000'000'000'000};

/// Bytes of an extent in the pseudo channel that has the most.
std::int64_t most_bytes(const Extent& extent, const DramOrganization& shape) {
  std::vector<std::int64_t> bytes(static_cast<std::size_t>(shape.pseudo_channels));
  for (int i = 0; i < extent.banks; ++i) {
    bytes[static_cast<std::size_t>(shape.pseudo_channel_of(extent.first_bank + i))] += extent.bytes_of_bank(i);
  }
  return *std::max_element(bytes.begin(), bytes.end());
}

}  // namespace

ChannelCore::ChannelCore(const DramConfig& dram, const ControllerConfig& controller, const BankPorts* nmp, const ChannelSwitches& switches,
                         const std::vector<TimingRule>& rules, const std::shared_ptr<FastForwardTable>& fast_forward)
    : dram_(&dram),
      clock_(Clock::from_khz(std::llround(dram.timing.ck_mhz * 1000.0))),
      switch_timed_(switches.mode_switch),
      bus_contention_(switches.bus_contention) {
  if (nmp != nullptr) {
    hb_.change().emplace(dram, controller, *nmp, switches, rules, clock_);
    if (switches.mode_switch) latency_ = Picoseconds(std::llround(nmp->mode_change_ns * 1000.0));
  }
  output_.refresh.enabled = switches.refresh && controller.refresh != RefreshKind::none;
  output_.refresh.due_ps = refresh_period(dram, controller.refresh).value;
  const int pseudo_channels = dram.organization.pseudo_channels;
  const bool counts_activates = controller.refresh_management && dram.refresh_management.has_value();
  if (counts_activates) output_.refresh.activates = ActivateCounts(*dram.refresh_management, dram.organization.banks() / pseudo_channels);
  if (pseudo_channels > 1) {
    auto part = std::make_shared<DramConfig>(dram);
    part->organization.pseudo_channels = 1;
    pseudo_channel_ = std::move(part);
    output_.other_refresh.assign(static_cast<std::size_t>(pseudo_channels - 1), output_.refresh);
    output_.account.set_pseudo_channels(pseudo_channels);
  }
  const DramConfig& part = pseudo_channel_ ? *pseudo_channel_ : dram;
  for (int p = 0; p < pseudo_channels; ++p) {
    const PseudoChannel of{p, pseudo_channels, static_cast<std::int32_t>(p * part.organization.banks())};
    hosts_.emplace_back(part, controller, switches, rules, clock_, of);
  }
  if (switches.column_trains && !counts_activates && pseudo_channels == 1)
    hosts_.front().change().fast_forward_with(fast_forward != nullptr ? fast_forward : std::make_shared<FastForwardTable>());
}

// ---- Work comes -----------------------------------------------------------------------------------------------------------

/// Transfers submitted at the very time of a request to leave normal mode still belong to it.
bool ChannelCore::open_for_host(Picoseconds now) const {
  return mode_ == ChannelMode::normal && (phase_ == Phase::steady || (phase_ == Phase::draining && now == requested_));
}

void ChannelCore::submit(const HostTransfer& transfer, Picoseconds now) {
  if (transfer.extent.bytes() == 0) {
    output_.events.push_back({now, ChannelEvent::Kind::host_done, transfer.tag, ChannelMode::normal});
  } else if (!bus_contention_) {
    submit_ideal(transfer, now);
  } else if (open_for_host(now)) {
    to_hosts(transfer, now, visible_from(now), now);
  } else {
    held_.push_back({transfer, {}, now});
  }
}

/// Each pseudo channel has the part of the transfer that lies in its banks.
void ChannelCore::to_hosts(const HostTransfer& transfer, Picoseconds submitted, Cycle visible, Picoseconds work_from) {
  if (!pseudo_channel_) {
    output_.account.begin_work(work_from);
    return hosts_.front().change().submit(transfer, submitted, visible);
  }
  ExtentCursor::check_inside(transfer.extent, dram_->organization);
  ChannelOutput::Shared shared{transfer.tag, 0, Picoseconds(0)};
  const std::int32_t banks = pseudo_channel_->organization.banks();
  for (std::size_t p = 0; p < hosts_.size(); ++p) {
    const std::int32_t first = static_cast<std::int32_t>(p) * banks;
    if (ExtentCursor::of_pseudo_channel(transfer.extent, pseudo_channel_->organization, first).done()) continue;
    ++shared.left;
    output_.account.begin_work(work_from, static_cast<int>(p));
    hosts_[p].change().submit(transfer, submitted, visible);
  }
  if (shared.left > 1) output_.shared.push_back(shared);
}

void ChannelCore::to_hosts(const RequestList& list, std::int32_t op, std::uint64_t tag, Picoseconds submitted, Cycle visible,
                           Picoseconds work_from) {
  if (!pseudo_channel_) {
    output_.account.begin_work(std::max(work_from, list.items->arrival));
    return hosts_.front().change().submit(list, op, tag, submitted, visible);
  }
  const std::int32_t banks = pseudo_channel_->organization.banks();
  std::vector<std::vector<ListedRequest>> parts(hosts_.size());
  for (std::size_t i = 0; i < list.count; ++i) {
    ListedRequest request = list.items[i];
    const auto p = static_cast<std::size_t>(request.at.bank / banks);
    check(p < parts.size(), "a request for bank {}, which the channel does not have", request.at.bank);
    request.at.bank %= banks;
    parts[p].push_back(request);
  }
  ChannelOutput::Shared shared{tag, 0, Picoseconds(0)};
  for (std::size_t p = 0; p < parts.size(); ++p) {
    if (parts[p].empty()) continue;
    ++shared.left;
    auto owned = std::make_shared<const std::vector<ListedRequest>>(std::move(parts[p]));
    output_.account.begin_work(std::max(work_from, owned->front().arrival), static_cast<int>(p));
    hosts_[p].change().submit({owned->data(), owned->size(), owned}, op, tag, submitted, visible);
  }
  if (shared.left > 1) output_.shared.push_back(shared);
}

/// Without contention the transfers of an operator follow one another at the bus's peak, whatever else the channel does.
void ChannelCore::submit_ideal(const HostTransfer& transfer, Picoseconds now) {
  const DramOrganization& shape = dram_->organization;
  const std::int64_t accesses = transfer.extent.bytes() / shape.access_bytes();
  const std::int64_t longest = pseudo_channel_ ? most_bytes(transfer.extent, shape) / shape.access_bytes() : accesses;
  const auto length =
      static_cast<std::int64_t>(std::llround(static_cast<double>(longest) * dram_->timing.n_bl_min * 1e6 / dram_->timing.ck_mhz));
  Picoseconds& free = ideal_free_[transfer.op];
  const Picoseconds start = std::max(free, now);
  free = start + Picoseconds(length);
  ChannelCounts& counts = output_.of(transfer.op);
  (transfer.write ? counts.writes : counts.reads) += accesses;
  const std::int64_t rows = ceil_div<std::int64_t>(transfer.extent.max_bytes_per_bank(), shape.page_bytes()) * transfer.extent.banks;
  counts.activates += rows;
  counts.precharges += rows;
  output_.account.add(TimeAccount::Kind::data, start, free, now);
  output_.events.push_back({free, ChannelEvent::Kind::host_done, transfer.tag, ChannelMode::normal});
}

void ChannelCore::submit(const RequestList& list, std::int32_t op, std::uint64_t tag, Picoseconds now) {
  if (open_for_host(now)) {
    to_hosts(list, op, tag, now, visible_from(now), now);
  } else {
    HostTransfer transfer;
    transfer.op = op;
    transfer.tag = tag;
    held_.push_back({transfer, list, now});
  }
}

void ChannelCore::submit(const HbTransfer& transfer, Picoseconds now) {
  check(hb_->has_value(), "HB transfer submitted to a normal channel");
  check(mode_ == ChannelMode::nmp && (phase_ == Phase::steady || (phase_ == Phase::draining && now == requested_)),
        "HB transfer submitted outside of NMP mode");
  if (transfer.extent.bytes() == 0 && transfer.bus_bytes == 0) {
    output_.events.push_back({now, ChannelEvent::Kind::hb_done, transfer.tag, ChannelMode::nmp});
    return;
  }
  hb().submit(transfer, now, output_);
}

void ChannelCore::request_mode(ChannelMode mode, Picoseconds now) {
  check(hb_->has_value() || mode == ChannelMode::normal, "NMP mode asked of a normal channel");
  check(phase_ == Phase::steady, "mode asked for while a change is under way");
  if (mode == mode_) {
    output_.events.push_back({now, ChannelEvent::Kind::mode_reached, 0, mode});
    return;
  }
  target_ = mode;
  requested_ = now;
  phase_ = Phase::draining;
}

// ---- Time passes ----------------------------------------------------------------------------------------------------------

Picoseconds ChannelCore::next_decision() const {
  if (phase_ == Phase::closing || phase_ == Phase::switching) return phase_at_;
  if (mode_ == ChannelMode::nmp) {
    const Picoseconds next = (*hb_)->next(output_);
    if (phase_ == Phase::draining && (*hb_)->idle()) return std::min(next, std::max(requested_, (*hb_)->quiet_at()));
    return next;
  }
  if (phase_ == Phase::draining && hosts_idle()) return clock_.edge(std::min(hosts_next(), drained_at()));
  return clock_.edge(hosts_next());
}

bool ChannelCore::hosts_idle() const {
  return std::all_of(hosts_.begin(), hosts_.end(), [](const Tracked<HostController>& host) { return host->idle(); });
}

Cycle ChannelCore::hosts_next() const {
  Cycle next = hosts_.front()->next();
  for (std::size_t p = 1; p < hosts_.size(); ++p) next = std::min(next, hosts_[p]->next());
  return next;
}

Cycle ChannelCore::hosts_decided() const {
  Cycle decided = hosts_.front()->decided();
  for (std::size_t p = 1; p < hosts_.size(); ++p) decided = std::max(decided, hosts_[p]->decided());
  return decided;
}

Cycle ChannelCore::hosts_data_end() const {
  Cycle end = hosts_.front()->data_end();
  for (std::size_t p = 1; p < hosts_.size(); ++p) end = std::max(end, hosts_[p]->data_end());
  return end;
}

/// Pseudo channels cycle by cycle. On the buses they share one goes first at even cycles, the next at odd ones, and so on; an ACT2 that is
/// due goes before all. Two of them are never due at once: their ACT1 came over the same bus.
void ChannelCore::step_hosts(Picoseconds limit) {
  const std::size_t events = output_.events.size();
  do {
    const Cycle t = hosts_next();
    CommandBuses buses;
    const auto count = hosts_.size();
    std::size_t first = static_cast<std::size_t>(t) % count;
    for (std::size_t p = 0; p < count; ++p) {
      if (hosts_[p]->act2_due(t)) first = p;
    }
    for (std::size_t i = 0; i < count; ++i) {
      Tracked<HostController>& host = hosts_[(first + i) % count];
      if (host->next() == t) host.change().step(output_, buses);
    }
  } while (phase_ == Phase::steady && output_.events.size() == events && clock_.edge(hosts_next()) <= limit);
}

void ChannelCore::step(Picoseconds limit, Picoseconds furthest) {
  if (phase_ == Phase::closing) return close_banks();
  if (phase_ == Phase::switching) return announced_ ? arrive() : announce();
  const Picoseconds t = next_decision();
  if (mode_ == ChannelMode::nmp) {
    if (phase_ == Phase::draining && (*hb_)->idle() && t >= requested_ && t >= (*hb_)->quiet_at()) return drained(t);
    return hb().step(output_, limit);
  }
  if (phase_ == Phase::draining && hosts_idle() && drained_at() <= hosts_next()) return drained(t);
  if (pseudo_channel_) return step_hosts(limit);
  HostController& host = hosts_.front().change();
  const std::size_t events = output_.events.size();
  do {
    host.step(output_, limit, furthest);
  } while (phase_ == Phase::steady && output_.events.size() == events && clock_.edge(host.next()) <= limit);
}

void ChannelCore::run(Picoseconds limit) {
  while (next_decision() <= limit) step(limit, limit);
  emit_hb(limit);
}

Picoseconds ChannelCore::run_to_event(Picoseconds limit) {
  std::size_t known = 0;
  Picoseconds furthest = limit + longest_fast_forward;
  const auto shorten = [&] {
    if (output_.events.size() == known) return;
    known = output_.events.size();
    furthest = *next_event();
    limit = std::min(limit, furthest);
  };
  shorten();
  while (next_decision() <= limit) {
    step(limit, furthest);
    shorten();
  }
  limit = std::max(limit, clock_.edge(hosts_decided() - 1));  // fast-forward may go further
  emit_hb(limit);
  return limit;
}

void ChannelCore::emit_hb(Picoseconds t) {
  if (hb_->has_value() && (*hb_)->next_command() <= t) hb().emit(t, output_);
}

/// All work of the old mode has ended: the banks are closed as soon as their rows allow it.
void ChannelCore::drained(Picoseconds t) {
  phase_ = Phase::closing;
  if (mode_ == ChannelMode::nmp) {
    phase_at_ = (*hb_)->precharge_ready(t);
  } else {
    Cycle ready = clock_.edge_at_or_after(t);
    for (const Tracked<HostController>& host : hosts_) ready = std::max(ready, host->precharge_ready());
    phase_at_ = clock_.edge(ready);
  }
}

void ChannelCore::close_banks() {
  closed_at_ = phase_at_;
  phase_ = Phase::switching;
  announced_ = false;
  if (mode_ == ChannelMode::nmp) {
    settled_ = phase_at_ = hb().precharge_all(phase_at_, -1, output_);
  } else {
    const Cycle t = clock_.edge_at_or_after(phase_at_);
    Cycle settled = hosts_data_end();
    const int ranks = dram_->organization.ranks;
    for (std::size_t p = 0; p < hosts_.size(); ++p) {
      settled = std::max(settled, hosts_[p].change().precharge_all(t + static_cast<Cycle>(p) * ranks, -1, output_));
    }
    settled_ = phase_at_ = clock_.edge(settled);
  }
  if (!switch_timed_) phase_at_ = std::max(closed_at_, mode_ == ChannelMode::nmp ? closed_at_ : clock_.edge(hosts_data_end()));
}

void ChannelCore::announce() {
  announced_ = true;
  ++output_.of(-1).mode_changes;
  emit_hb(phase_at_);
  output_.record(phase_at_, target_ == ChannelMode::nmp ? DramCommand::mode_nmp : DramCommand::mode_normal, -1, -1, -1, -1);
  output_.account.add(TimeAccount::Kind::mode_switch, closed_at_, phase_at_ + latency_, closed_at_);
  phase_at_ += latency_;
}

void ChannelCore::arrive() {
  const Picoseconds t = phase_at_;
  phase_ = Phase::steady;
  mode_ = target_;
  output_.account.change_mode(mode_, t);
  output_.events.push_back({t, ChannelEvent::Kind::mode_reached, 0, mode_});
  if (mode_ == ChannelMode::nmp) {
    Cycle ready = 0;
    for (const Tracked<HostController>& host : hosts_) ready = std::max(ready, host->activate_ready());
    hb().enter(t, std::max(t, clock_.edge(ready)), std::max(t, settled_));
    // Refresh of all pseudo channels goes by the one that is furthest behind.
    const std::int64_t own = output_.refresh.due_ps;
    for (const RefreshState& refresh : output_.other_refresh) output_.refresh.due_ps = std::min(output_.refresh.due_ps, refresh.due_ps);
    refresh_entered_ps_ = output_.refresh.due_ps;
    refresh_behind_ps_ = own - output_.refresh.due_ps;
    return;
  }
  const Cycle visible = clock_.edge_at_or_after(t);
  const Cycle resumed = clock_.edge_at_or_after(std::max({t, settled_, (*hb_)->activate_ready()}));
  for (Tracked<HostController>& host : hosts_) host.change().resume(resumed);
  for (RefreshState& refresh : output_.other_refresh) refresh.due_ps += output_.refresh.due_ps - refresh_entered_ps_;
  output_.refresh.due_ps += refresh_behind_ps_;
  for (; !held_.empty(); held_.pop()) {
    const Held& held = held_.front();
    if (held.list.items != nullptr) {
      to_hosts(held.list, held.transfer.op, held.transfer.tag, held.submitted, visible, t);
    } else {
      to_hosts(held.transfer, held.submitted, visible, t);
    }
  }
}

// ---- What is known --------------------------------------------------------------------------------------------------------

bool ChannelCore::busy() const {
  return phase_ != Phase::steady || !hosts_idle() || (hb_->has_value() && !(*hb_)->idle()) || !output_.events.empty();
}

Picoseconds ChannelCore::next_time() const {
  Picoseconds next = next_decision();
  if (mode_ == ChannelMode::nmp) next = std::min(next, (*hb_)->next_command());
  if (const auto event = next_event()) next = std::min(next, *event);
  return next;
}

std::optional<Picoseconds> ChannelCore::next_event() const {
  std::optional<Picoseconds> first;
  for (const ChannelEvent& event : output_.events) {
    if (!first || event.time < *first) first = event.time;
  }
  return first;
}

std::vector<ChannelEvent> ChannelCore::take_events(Picoseconds now) {
  std::vector<ChannelEvent> due;
  auto& events = output_.events;
  std::copy_if(events.begin(), events.end(), std::back_inserter(due), [&](const ChannelEvent& e) { return e.time <= now; });
  events.erase(std::remove_if(events.begin(), events.end(), [&](const ChannelEvent& e) { return e.time <= now; }), events.end());
  std::sort(due.begin(), due.end(), [](const ChannelEvent& a, const ChannelEvent& b) {
    return std::tie(a.time.value, a.kind, a.tag) < std::tie(b.time.value, b.kind, b.tag);
  });
  return due;
}

std::uint64_t ChannelCore::take_hb_ends(Picoseconds now) {
  std::uint64_t last = 0;
  auto& events = output_.events;
  const auto taken = [&](const ChannelEvent& e) {
    if (e.kind != ChannelEvent::Kind::hb_done || e.time > now) return false;
    last = std::max(last, e.tag);
    return true;
  };
  events.erase(std::remove_if(events.begin(), events.end(), taken), events.end());
  return last;
}

ChannelTimes ChannelCore::times(Picoseconds now) { return output_.account.until(now); }

ChannelCounts ChannelCore::counts(int op) const { return output_.counts_of(op); }

}  // namespace bondsim
