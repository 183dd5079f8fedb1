#pragma once
#include <cmath>
#include <cstdint>
#include <string>

#include <vector>

#include "models/base/fields.hpp"
#include "models/base/multiply.hpp"
#include "models/base/quantity.hpp"
#include "models/dram/spec/hb_config.hpp"
#include "models/schedule/vector_costs.hpp"

namespace bondsim {

/// Where PEs are: on a logic die bonded below the banks, or in the DRAM die.
enum class NmpPlacement { hybrid_bonded, in_die };
template <>
inline constexpr EnumEntry<NmpPlacement> enum_names<NmpPlacement>[] = {{"hybrid_bonded", NmpPlacement::hybrid_bonded},
                                                                       {"in_die", NmpPlacement::in_die}};

/// How inputs reach the PEs' global buffer and outputs the bus: through the banks, as other tensors do, or past them, the bus writing the
/// buffer and reading the result registers.
enum class IoPath { through_banks, direct };
template <>
inline constexpr EnumEntry<IoPath> enum_names<IoPath>[] = {{"through_banks", IoPath::through_banks}, {"direct", IoPath::direct}};

/// One processing engine: FPUs of a few MACs each, an FPU taking `macs_per_fpu` elements of K of one output column a cycle.
struct PeConfig {
  int fpus = 0;
  int macs_per_fpu = 0;
  int clock_mhz = 0;
  double weight_buffer_kib = 0;
  double output_buffer_kib = 0;
  bool double_buffered_weights = true;
  int rows_per_read = 0;
  bool pipelined_access = false;
  int banks_per_pe = 1;
  double issue_interval_ns = 0;

  /// Times a column is read for `m` rows of activations.
  std::int64_t reads_for(std::int64_t m) const { return rows_per_read > 0 ? ceil_div<std::int64_t>(m, rows_per_read) : 1; }
  /// Pieces of weights in flight: one loads while the PE computes on the other.
  bool overlaps_loads() const { return double_buffered_weights || pipelined_access; }
};
template <class Visitor>
void fields(Visitor& v, PeConfig& c) {
  v.field("fpus", c.fpus, required("FPUs of a PE").range(1, 1024));
  v.field("macs_per_fpu", c.macs_per_fpu, required("MACs of an FPU, along K of one output column").range(1, 1024));
  v.field("clock_mhz", c.clock_mhz, required("PE clock").range(1, 10000).in("MHz"));
  v.field("weight_buffer_kib", c.weight_buffer_kib,
          required("weight buffer of a PE, both halves together").range(0.0625, 1 << 20).in("KiB"));
  v.field("output_buffer_kib", c.output_buffer_kib, required("output buffer of a PE, holds accumulators").range(0.0625, 1 << 20).in("KiB"));
  v.field("double_buffered_weights", c.double_buffered_weights,
          defaulted("the next weight tile is loaded while the PE computes on the present one"));
  v.field("rows_per_read", c.rows_per_read,
          defaulted("in_die: rows of activations that a column read serves before the column is read again; 0: all").range(0, 1 << 20));
  v.field("pipelined_access", c.pipelined_access,
          defaulted("in_die: a column is accessed while the PE computes on the one before; off: access and MACs alternate"));
  v.field("banks_per_pe", c.banks_per_pe, defaulted("in_die: banks that share a PE and are served in turns: 1, 2 or 4").range(1, 4));
  v.field("issue_interval_ns", c.issue_interval_ns,
          defaulted("in_die: from one column access of a PE to the next at least, e.g. under a limit of power").range(0, 1e6).in("ns"));
}

/// Vector unit of a channel: takes elements from the channel's input buffer and gives them back there, at the PEs' clock.
struct NmpVectorConfig {
  int lanes = 0;  ///< operations a cycle of all of it; 0: the channel has none
  VectorCosts costs;
};
template <class Visitor>
void fields(Visitor& v, NmpVectorConfig& c) {
  v.field("lanes", c.lanes, defaulted("operations a cycle of the PEs' clock; 0: the channel has no vector unit").range(0, 1 << 16));
  v.section("costs", c.costs, defaulted("operations an element of each kind of work takes there"));
}

/// The NMP side of a channel.
struct NmpConfig : BankPorts {
  NmpPlacement placement = NmpPlacement::hybrid_bonded;
  PeConfig pe;
  NmpVectorConfig vector;
  double input_buffer_kib = 0;
  IoPath io_path = IoPath::through_banks;
  std::vector<MultiplyConfig> formats;  ///< besides FP16

  /// The PE as it multiplies these operands: its FPUs take more or fewer elements of K a cycle.
  PeConfig pe_for(const Element& activation, const Element& stationary) const {
    if (activation.number == Number::any && stationary.number == Number::any) return pe;
    PeConfig as = pe;
    as.macs_per_fpu = static_cast<int>(std::lround(pe.macs_per_fpu * known_multiplication(formats, activation, stationary).rate));
    return as;
  }
};
template <class Visitor>
void fields(Visitor& v, NmpConfig& c) {
  v.field("placement", c.placement, defaulted("where the PEs are: on a logic die bonded below, or in the DRAM die"));
  v.section("hb", c.hb, required("port between a bank and its PE"));
  v.section("pe", c.pe, required("processing engine, one a bank"));
  v.section("vector", c.vector, defaulted("vector unit of the channel, for element-wise work beside the banks"));
  v.field("input_buffer_kib", c.input_buffer_kib, required("global input buffer of the channel").range(0.0625, 1 << 20).in("KiB"));
  v.field(
      "io_path", c.io_path,
      defaulted("inputs and outputs of the PEs: through_banks, or direct, the bus writing the input buffer and reading result registers"));
  v.field("mode_change_ns", c.mode_change_ns, required("latency of a mode change after drain and precharge-all").range(0, 1e6).in("ns"));
  v.field("activate_policy", c.activate_policy, defaulted("all banks activate together, or staggered under t_rrd and t_faw"));
  v.field("subarray_overlap", c.subarray_overlap, defaulted("the next row is activated in another subarray while the present one is read"));
  v.sections("formats", c.formats, defaulted("pairs of numbers that the PEs multiply besides FP16, and how fast"));
}

}  // namespace bondsim
