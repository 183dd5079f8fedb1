#include "models/dram/channel/channel_module.hpp"

#include <algorithm>
#include <utility>

#include "models/base/error.hpp"

namespace bondsim {
namespace {

constexpr Picoseconds first_horizon{1'000'000};
constexpr Picoseconds longest_horizon{1'000'000'000'000};
constexpr Picoseconds longest_logged_horizon{100'000'000};

}  // namespace

DramChannel::DramChannel(sc_core::sc_module_name name, int index, const DramConfig& dram, const ControllerConfig& controller,
                         const BankPorts* nmp, const ChannelSwitches& switches, SimulationListener* sink,
                         const std::shared_ptr<FastForwardTable>& fast_forward)
    : sc_module(name),
      index_(index),
      switches_(switches),
      sink_(sink),
      recording_(sink != nullptr),
      core_(dram, controller, nmp, switches, timing_rules(dram), fast_forward),
      checkpoint_(core_),
      horizon_(first_horizon) {
  core_.keep_log(recording_);
  SC_HAS_PROCESS(DramChannel);
  SC_METHOD(work);
  sensitive << wakeup_;
  dont_initialize();
}

void DramChannel::bind_listener(ChannelListener& host, ChannelListener* nmp) {
  host_listener_ = &host;
  nmp_listener_ = nmp;
}

void DramChannel::record_commands(bool on, bool one_by_one) {
  synchronize();
  recording_ = on && sink_ != nullptr;
  one_by_one_ = one_by_one;
  core_.keep_log(recording_);
  if (core_.busy() || one_by_one_) submitted();
}

void DramChannel::submit(const HostTransfer& transfer) {
  synchronize();
  core_.submit(transfer, now());
  submitted();
}

void DramChannel::submit(const RequestList& list, std::int32_t op, std::uint64_t tag) {
  synchronize();
  core_.submit(list, op, tag, now());
  submitted();
}

void DramChannel::submit(const HbTransfer& transfer) {
  synchronize();
  core_.submit(transfer, now());
  submitted();
}

void DramChannel::request_mode(ChannelMode mode) {
  synchronize();
  core_.request_mode(mode, now());
  submitted();
}

void DramChannel::submitted() {
  horizon_ = first_horizon;
  wakeup_.notify(sc_core::SC_ZERO_TIME);
}

ChannelTimes DramChannel::times_until_now() {
  check(now() >= driven_until_, "channel {}: times asked for {} ps, taken ahead to {} ps", index_, now().value, driven_until_.value);
  synchronize();
  return core_.times(now());
}

ChannelCounts DramChannel::counts_until_now(int op) {
  check(now() >= driven_until_, "channel {}: counts asked for {} ps, taken ahead to {} ps", index_, now().value, driven_until_.value);
  synchronize();
  return core_.counts(op);
}

BanksAhead* DramChannel::ahead() {
  if (sink_ != nullptr || one_by_one_ || !switches_.column_trains || !core_.holds_host_work()) return nullptr;
  synchronize();
  return core_.mode() == ChannelMode::nmp && !core_.next_event() ? this : nullptr;
}

/// Brings the core to now, neither less nor more, and hands out what has happened until then.
void DramChannel::synchronize() {
  const Picoseconds t = now();
  if (ahead_ && reached_ > t) core_ = checkpoint_;
  ahead_ = false;
  core_.run(t);
  reached_ = t;
  hand_out();
}

void DramChannel::hand_out() {
  auto& outcomes = core_.output().outcomes;
  if (observer_ != nullptr) {
    for (const RequestOutcome& outcome : outcomes) observer_->request_served(outcome);
  }
  outcomes.clear();
  auto& log = core_.output().log;
  if (log.empty()) return;
  sort_commands(log);
  for (const CommandRecord& record : log) sink_->command(index_, record);
  log.clear();
}

void DramChannel::work() {
  ++kernel_events_;
  synchronize();
  if (!std::exchange(announced_, false) && core_.next_event() && *core_.next_event() <= now()) {
    // Whoever acts at this time by a timer of its own has acted before it is told: the order of processes in a delta cycle does not matter.
    announced_ = true;
    wakeup_.notify(sc_core::SC_ZERO_TIME);
    return;
  }
  const auto events = core_.take_events(now());
  for (const ChannelEvent& event : events) {
    ChannelListener* listener = event.kind == ChannelEvent::Kind::host_done ? host_listener_ : nmp_listener_;
    if (listener == nullptr) continue;
    switch (event.kind) {
      case ChannelEvent::Kind::host_done:
        listener->host_transfer_done(index_, event.tag);
        break;
      case ChannelEvent::Kind::hb_done:
        listener->hb_transfer_done(index_, event.tag);
        break;
      case ChannelEvent::Kind::mode_reached:
        listener->mode_reached(index_, event.mode);
        break;
    }
  }
  if (!core_.busy() && !one_by_one_) return;
  if (!events.empty()) {
    wakeup_.notify(sc_core::SC_ZERO_TIME);  // those who were told may submit more at this time
    return;
  }
  if (now() >= driven_until_) run_ahead();
}

void DramChannel::run_ahead() {
  const Picoseconds t = now();
  Picoseconds wake = core_.next_time();
  if (switches_.column_trains && !one_by_one_) {
    checkpoint_ = core_;
    ahead_ = true;
    const Picoseconds limit = t + horizon_;
    reached_ = wake = core_.run_to_event(std::max(limit, wake));
    horizon_ = std::min(horizon_ * 4, recording_ ? longest_logged_horizon : longest_horizon);
  }
  check(wake > t, "channel {} would wake at {} ps, not after {} ps", index_, wake.value, t.value);
  wakeup_.notify(sc_core::sc_time::from_value(static_cast<std::uint64_t>((wake - t).value)));
}

}  // namespace bondsim
