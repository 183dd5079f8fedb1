#include "sim/trace/window_module.hpp"

#include <algorithm>
#include <utility>

namespace bondsim {
namespace {

constexpr Picoseconds tick{1};

sc_core::sc_time span(Picoseconds t) { return sc_core::sc_time::from_value(static_cast<std::uint64_t>(t.value)); }

}  // namespace

WindowGate::WindowGate(sc_core::sc_module_name name, TraceHub& hub, std::vector<DramChannel*> channels)
    : sc_module(name), hub_(hub), channels_(std::move(channels)) {
  SC_HAS_PROCESS(WindowGate);
  SC_METHOD(turn);
  sensitive << due_;
  dont_initialize();
  if (!hub_.window.whole() || hub_.one_by_one) hub_.add(*this, {false, true, false});
  if (hub_.window.steps) hub_.window.from = hub_.window.to = TraceWindow::never;
  if (hub_.window.from.value == 0) {
    record(true);
  } else {
    // A channel decides what comes at the present time before it can be asked to record: it is asked one tick early.
    record(false);
    if (!hub_.window.steps) due_.notify(span(hub_.window.from - tick));
  }
}

void WindowGate::turn() { record(!open_); }

void WindowGate::record(bool on) {
  open_ = on;
  for (DramChannel* channel : channels_) channel->record_commands(on, on && hub_.one_by_one);
  const auto now = static_cast<std::int64_t>(sc_core::sc_time_stamp().value());
  if (on && hub_.window.to != TraceWindow::never) due_.notify(span(Picoseconds(hub_.window.to.value - now)));
}

/// A block begins after the commands of its first instant: they belong to what came before.
void WindowGate::block_began(const Block& block, Picoseconds t) {
  const auto& steps = hub_.window.steps;
  if (!steps || block.step == step_) return;
  step_ = block.step;
  if (!open_ && step_ >= steps->first && step_ <= steps->last) {
    hub_.window.from = t + tick;
    record(true);
  } else if (open_ && step_ > steps->last) {
    hub_.window.to = t + tick;
    record(false);
  }
}

void WindowGate::block_ended(const BlockTrace&) {}

void WindowGate::run_ended(Picoseconds t) {
  due_.cancel();
  if (hub_.window.steps) hub_.window.to = std::min(hub_.window.to, t + tick);
  if (open_) record(false);
}

}  // namespace bondsim
