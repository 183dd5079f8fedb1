#pragma once
#include <optional>
#include <string>
#include <vector>

#include "models/base/fields.hpp"
#include "models/dram/spec/config.hpp"
#include "models/energy/table.hpp"
#include "models/nmp/config.hpp"
#include "models/npu/config.hpp"

namespace bondsim {

/// Short form of a system's channels: two groups, `nmp` before `normal`, of the file's own DRAM part and PEs.
struct ChannelKinds {
  int nmp = 0;
  int normal = 0;
};
template <class Visitor>
void fields(Visitor& v, ChannelKinds& c) {
  v.field("nmp", c.nmp, required("channels whose banks have PEs").range(0, 256));
  v.field("normal", c.normal, required("plain channels").range(0, 256));
}

/// Computing engine of a channel.
enum class ChannelEngine { none, bank_pes };
template <>
inline constexpr EnumEntry<ChannelEngine> enum_names<ChannelEngine>[] = {{"none", ChannelEngine::none},
                                                                         {"bank_pes", ChannelEngine::bank_pes}};

/// Channels that are alike. Sections a group leaves out are the system's.
struct ChannelGroup {
  std::string name;
  int count = 0;
  ChannelEngine engine = ChannelEngine::none;
  std::optional<DramConfig> dram;
  std::optional<ControllerConfig> controller;
  std::optional<NmpConfig> nmp;
  std::optional<EnergyTable> energy;  ///< of the group's DRAM and PEs; the NPU's entries are the system's
};
template <class Visitor>
void fields(Visitor& v, ChannelGroup& c) {
  v.field("name", c.name, required("name of the group, e.g. hb"));
  v.field("count", c.count, required("channels of the group").range(1, 256));
  v.field("engine", c.engine, required("what computes in the channel: nothing, or a PE below each bank"));
  v.section("dram", c.dram, defaulted("the group's own DRAM part: a file of configs/dram/, or its content").or_file());
  v.section("controller", c.controller, defaulted("the group's own controller policy"));
  v.section("nmp", c.nmp, defaulted("the group's own NMP side"));
  v.section("energy", c.energy, defaulted("the group's own energy table: a file of configs/energy/, or its content").or_file());
}

/// Switches of second-order effects; all on is the full model.
struct FidelityConfig {
  bool refresh = true;
  bool row_timing = true;
  bool mode_switch = true;
  bool vector_ops = true;
  bool finite_buffers = true;
  bool bus_contention = true;
  bool overlap = true;
};
template <class Visitor>
void fields(Visitor& v, FidelityConfig& c) {
  v.field("refresh", c.refresh, defaulted("DRAM refresh takes time and energy"));
  v.field("row_timing", c.row_timing, defaulted("activate and precharge take time"));
  v.field("mode_switch", c.mode_switch, defaulted("mode changes take time"));
  v.field("vector_ops", c.vector_ops, defaulted("work of the vector units takes time"));
  v.field("finite_buffers", c.finite_buffers, defaulted("buffers of the PEs bound what is in flight; off: they hold everything"));
  v.field(
      "bus_contention", c.bus_contention,
      defaulted(
          "transfers share a channel's bus and wait for its normal mode; off: those of an operator have it to themselves, at its peak"));
  v.field("overlap", c.overlap, defaulted("operators run side by side as dependencies allow; off: one after the other"));
}

/// Time that a runtime takes around the work itself: launches, synchronisation. Fixed, whatever the work's size.
struct OverheadConfig {
  double operator_ns = 0;
  double step_ns = 0;
};
template <class Visitor>
void fields(Visitor& v, OverheadConfig& c) {
  v.field("operator_ns", c.operator_ns, defaulted("from an operator's inputs being there to the begin of its work").range(0, 1e9).in("ns"));
  v.field("step_ns", c.step_ns, defaulted("before the first work of a step").range(0, 1e9).in("ns"));
}

/// How the kernel runs; never what it computes.
struct KernelConfig {
  bool column_trains = true;
};
template <class Visitor>
void fields(Visitor& v, KernelConfig& c) {
  v.field("column_trains", c.column_trains, defaulted("consecutive column accesses are one kernel event"));
}

/// Everything about the machine, from one file of configs/system/ and the files it names. A channel's number runs through the groups in
/// their order.
struct System {
  std::string name;
  ChannelKinds counts;                 ///< as the file says; decode_system() makes `channels` of it
  std::vector<ChannelGroup> channels;  ///< every group has at least one channel
  DramConfig dram;                     ///< of groups without their own, like the next two
  ControllerConfig controller;
  NmpConfig nmp;  ///< read even when no channel has PEs
  NpuConfig npu;
  EnergyTable energy;
  OverheadConfig overhead;
  FidelityConfig fidelity;
  KernelConfig kernel;

  int channel_count() const;
  /// Names of the channels as executors, by number, each after its group: `nmp.channel0`, ..., `normal.channel7`.
  std::vector<std::string> channel_names() const;
  /// Channels with PEs, ascending; the others, ascending.
  std::vector<int> nmp_channels() const;
  std::vector<int> normal_channels() const;
  int nmp_channel_count() const { return static_cast<int>(nmp_channels().size()); }
  bool has_pes(int channel) const { return group_of(channel).engine == ChannelEngine::bank_pes; }

  const ChannelGroup& group_of(int channel) const;
  const DramConfig& dram_of(int channel) const { return own_or(group_of(channel).dram, dram); }
  const ControllerConfig& controller_of(int channel) const { return own_or(group_of(channel).controller, controller); }
  const NmpConfig& nmp_of(int channel) const { return own_or(group_of(channel).nmp, nmp); }
  const EnergyTable& energy_of(int channel) const { return own_or(group_of(channel).energy, energy); }
  /// PEs of a channel; 0 without.
  int pes_of(int channel) const { return has_pes(channel) ? dram_of(channel).organization.banks() / nmp_of(channel).pe.banks_per_pe : 0; }

  /// All NMP channels have the same DRAM part, controller, PEs and energies, and so have all others among themselves: the system's own
  /// sections say it all.
  bool uniform() const;
  /// Groups `nmp` and `normal` of the system's own sections; a group of zero channels is left out.
  void set_channels(int nmp_count, int normal_count);

 private:
  template <class T>
  static const T& own_or(const std::optional<T>& own, const T& shared) {
    return own ? *own : shared;
  }
};
/// @param what needs it, e.g. "the closed form 'detailed'". @throws ConfigError when groups of channels differ.
void require_uniform(const System& system, const std::string& what);

template <class Visitor>
void fields(Visitor& v, System& c) {
  v.field("name", c.name, required("name of the system"));
  v.section("channels", c.counts, defaulted("memory channels by kind, the NMP channels first; or channel_groups"));
  v.sections("channel_groups", c.channels, defaulted("memory channels by group, in the order of their numbers; or channels"));
  v.section("dram", c.dram, required("the DRAM part of every channel: a file of configs/dram/, or its content").or_file());
  v.section("controller", c.controller, defaulted("policy of the channel controllers"));
  v.section("nmp", c.nmp, required("the NMP side of an NMP channel"));
  v.section("npu", c.npu, required("the central processor"));
  v.section("energy", c.energy, required("energy table: a file of configs/energy/, or its content").or_file());
  v.section("overhead", c.overhead, defaulted("fixed times of a runtime around the work"));
  v.section("fidelity", c.fidelity, defaulted("switches of second-order effects"));
  v.section("kernel", c.kernel, defaulted("how the kernel runs"));
}

}  // namespace bondsim
