#include "sim/system_builder.hpp"

#include <string>

namespace bondsim {

/// Passes what a channel reports to the NPU and to the channel's NMP controller.
struct SystemBuilder::Events : ChannelListener {
  SystemBuilder& builder;
  explicit Events(SystemBuilder& b) : builder(b) {}
  void host_transfer_done(int channel, std::uint64_t tag) override { builder.npu_->host_transfer_done(channel, tag); }
  void hb_transfer_done(int channel, std::uint64_t tag) override { builder.nmp_[static_cast<std::size_t>(channel)]->hb_transfer_done(tag); }
  void mode_reached(int channel, ChannelMode mode) override { builder.nmp_[static_cast<std::size_t>(channel)]->mode_reached(mode); }
};

SystemBuilder::SystemBuilder(const System& system, TaskListener& listener, SimulationListener* sink, ConstructionOrder order) {
  const auto total = static_cast<std::size_t>(system.channel_count());
  channels_.resize(total);
  nmp_.resize(total);
  if (order == ConstructionOrder::channels_first) {
    build_channels(system, listener, sink, false);
    build_npu(system, listener);
  } else {
    build_npu(system, listener);
    build_channels(system, listener, sink, true);
  }
  for (std::size_t i = 0; i < total; ++i) {
    npu_->channels[i].bind(*channels_[i]);
    if (nmp_[i]) nmp_[i]->channel.bind(*channels_[i]);
    events_.push_back(std::make_unique<Events>(*this));
    channels_[i]->bind_listener(*events_.back(), nmp_[i] ? events_.back().get() : nullptr);
  }
}

SystemBuilder::~SystemBuilder() = default;

void SystemBuilder::build_channels(const System& system, TaskListener& listener, SimulationListener* sink, bool backwards) {
  const auto fast_forward = std::make_shared<FastForwardTable>();  // channels do alike
  for (std::size_t n = 0; n < channels_.size(); ++n) {
    const std::size_t i = backwards ? channels_.size() - 1 - n : n;
    const auto channel = static_cast<int>(i);
    const bool has_pes = system.has_pes(channel);
    ChannelSwitches switches;
    switches.row_timing = system.fidelity.row_timing;
    switches.refresh = system.fidelity.refresh;
    switches.mode_switch = system.fidelity.mode_switch;
    switches.bus_contention = system.fidelity.bus_contention;
    switches.column_trains = system.kernel.column_trains;
    const auto channel_name = "channel_" + std::to_string(i);
    channels_[i] = std::make_unique<DramChannel>(channel_name.c_str(), channel, system.dram_of(channel), system.controller_of(channel),
                                                 has_pes ? &system.nmp_of(channel) : nullptr, switches, sink, fast_forward);
    if (!has_pes) continue;
    NmpConfig nmp = system.nmp_of(channel);
    if (!system.fidelity.vector_ops) nmp.vector.costs = VectorCosts{0, 0, 0, 0, 0, 0, 0, 0, 0};
    nmp_[i] = std::make_unique<NmpController>(("nmp_" + std::to_string(i)).c_str(), nmp, system.fidelity.finite_buffers, listener);
  }
}

void SystemBuilder::build_npu(const System& system, TaskListener& listener) {
  npu_ = std::make_unique<Npu>("npu", system.npu, system.channel_count(), system.dram.organization.access_bytes(),
                               system.fidelity.vector_ops, listener);
}

Executors SystemBuilder::executors() const {
  Executors e;
  e.npu = npu_.get();
  for (const auto& channel : channels_) e.channels.push_back(channel.get());
  for (const auto& nmp : nmp_) e.nmp.push_back(nmp.get());
  return e;
}

std::vector<DramChannel*> SystemBuilder::channels() const {
  std::vector<DramChannel*> list;
  for (const auto& channel : channels_) list.push_back(channel.get());
  return list;
}

void SystemBuilder::observe(TraceHub& traces) {
  if (!traces.hears_states()) return;
  npu_->observe(&traces);
  for (std::size_t i = 0; i < nmp_.size(); ++i) {
    if (nmp_[i]) nmp_[i]->observe(&traces, static_cast<int>(i));
  }
}

std::int64_t SystemBuilder::events() const {
  std::int64_t sum = npu_->events();
  for (const auto& channel : channels_) sum += static_cast<std::int64_t>(channel->kernel_events());
  for (const auto& nmp : nmp_) sum += nmp ? nmp->events() : 0;
  return sum;
}

}  // namespace bondsim
