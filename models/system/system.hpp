#pragma once
#include <string>
#include <vector>

#include "models/base/fields.hpp"
#include "models/dram/spec/config.hpp"
#include "models/energy/table.hpp"
#include "models/nmp/config.hpp"
#include "models/npu/config.hpp"

namespace bondsim {

/// Channels of a system, by kind. Indices: NMP channels first, 0 .. nmp-1, then the normal ones.
struct ChannelsConfig {
  int nmp = 0;
  int normal = 0;
  int total() const { return nmp + normal; }
  /// Names of all channels as executors, by number: `nmp.channel0`, ..., `normal.channel7`.
  std::vector<std::string> names() const {
    std::vector<std::string> list;
    for (int i = 0; i < total(); ++i) list.push_back((i < nmp ? "nmp.channel" : "normal.channel") + std::to_string(i));
    return list;
  }
};
template <class Visitor>
void fields(Visitor& v, ChannelsConfig& c) {
  v.field("nmp", c.nmp, required("channels whose banks have PEs").range(0, 256));
  v.field("normal", c.normal, required("plain channels").range(0, 256));
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

/// How the kernel runs; never what it computes.
struct KernelConfig {
  bool column_trains = true;
};
template <class Visitor>
void fields(Visitor& v, KernelConfig& c) {
  v.field("column_trains", c.column_trains, defaulted("consecutive column accesses are one kernel event"));
}

/// Everything about the machine, from one file of configs/system/ and the files it names.
struct System {
  std::string name;
  ChannelsConfig channels;
  DramConfig dram;
  ControllerConfig controller;
  NmpConfig nmp;  ///< read even when channels.nmp is 0
  NpuConfig npu;
  EnergyTable energy;
  FidelityConfig fidelity;
  KernelConfig kernel;
};
template <class Visitor>
void fields(Visitor& v, System& c) {
  v.field("name", c.name, required("name of the system"));
  v.section("channels", c.channels, required("memory channels by kind"));
  v.section("dram", c.dram, required("the DRAM part of every channel: a file of configs/dram/, or its content").or_file());
  v.section("controller", c.controller, defaulted("policy of the channel controllers"));
  v.section("nmp", c.nmp, required("the NMP side of an NMP channel"));
  v.section("npu", c.npu, required("the central processor"));
  v.section("energy", c.energy, required("energy table: a file of configs/energy/, or its content").or_file());
  v.section("fidelity", c.fidelity, defaulted("switches of second-order effects"));
  v.section("kernel", c.kernel, defaulted("how the kernel runs"));
}

}  // namespace bondsim
