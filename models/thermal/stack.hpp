#pragma once
#include <string>
#include <vector>

#include "models/base/fields.hpp"
#include "models/energy/entry.hpp"

namespace bondsim {

/// What heats a layer: nothing, the PEs and the NPU, or the DRAM.
enum class LayerHeat { none, logic, dram };
template <>
inline constexpr EnumEntry<LayerHeat> enum_names<LayerHeat>[] = {
    {"none", LayerHeat::none}, {"logic", LayerHeat::logic}, {"dram", LayerHeat::dram}};

/// What a throttling policy watches.
enum class HeatWatch { dram, logic, any };
template <>
inline constexpr EnumEntry<HeatWatch> enum_names<HeatWatch>[] = {
    {"dram", HeatWatch::dram}, {"logic", HeatWatch::logic}, {"any", HeatWatch::any}};

struct StackMaterial {
  std::string name;
  double conductivity_w_per_m_k = 0;
  double capacity_j_per_m3_k = 0;
  std::string source;
  Confidence confidence = Confidence::estimate;
};

struct StackLayer {
  std::string name;
  double thickness_um = 0;
  std::string material;
  std::string die_material;  ///< in the footprints of dies; empty: `material` everywhere
  LayerHeat heat = LayerHeat::none;
  int slices = 1;  ///< layers of cells it is cut into
  std::string source;
};

/// Lower left corner of the die of a channel.
struct StackSite {
  double x_mm = 0, y_mm = 0;
};

/// A channel's die: its banks, each with its PE below it, in rows of `bank_columns`; above them a strip for the TSVs of the bus and supply.
struct StackDie {
  double bank_width_mm = 0, bank_height_mm = 0;
  int bank_columns = 4;
  double io_height_mm = 0;
  double port_share = 0.2;
  std::string source;
};

/// The NPU's die, cut into strips from left to right by these shares.
struct StackNpu {
  double x_mm = 0, y_mm = 0, width_mm = 0, height_mm = 0;
  double arrays_share = 0, scratchpad_share = 0, vector_share = 0, phy_share = 0;
  std::string source;
};

struct StackFloorplan {
  double width_mm = 0, height_mm = 0;
  StackDie channel_die;
  std::vector<StackSite> channels;  ///< by number of the channel
  StackNpu npu;
};

struct StackCooling {
  double ambient_c = 25;
  double resistance_k_per_w = 0;
  double heat_capacity_j_per_k = 0;
  double board_resistance_k_per_w = 0;
  std::string source;
  Confidence confidence = Confidence::estimate;
};

/// A part that would grow hotter than this has no steady state: leakage heats faster than the package cools.
inline constexpr double runaway_c = 400;

struct StackLeakage {
  double reference_c = 45;
  double doubles_every_c = 0;
  std::string source;

  /// Leakage over that at the reference; temperatures above 150 C count as 150 C.
  double factor(double temperature_c) const;
};

struct ThrottleStep {
  double above_c = 0;
  double pe_clock = 1;
  double nmp_duty = 1;
  std::string dataflow;
};

struct ThrottlePolicy {
  std::string name;
  HeatWatch watch = HeatWatch::dram;
  double hysteresis_c = 3;
  std::vector<ThrottleStep> steps;  ///< ascending
};

/// A package: layers, floorplan, cooling, and what the machine does when it is hot (`schema: bondsim.stack/1`).
struct Stack {
  std::string name;
  int columns = 30, rows = 30;
  std::vector<StackMaterial> materials;
  std::vector<StackLayer> layers;  ///< the board's side first
  StackFloorplan floorplan;
  StackCooling cooling;
  StackLeakage leakage;
  double refresh_hysteresis_c = 2;
  std::vector<ThrottlePolicy> throttle;
  std::string file;  ///< where it stands, for files that it names

  /// @throws InternalError when there is none; decode_stack() has checked the names
  const StackMaterial& material(const std::string& name) const;
  /// @throws ConfigError naming those there are
  const ThrottlePolicy& policy(const std::string& name) const;
};

template <class Visitor>
void fields(Visitor& v, StackMaterial& c) {
  v.field("name", c.name, required("name of the material"));
  v.field("conductivity_w_per_m_k", c.conductivity_w_per_m_k, required("thermal conductivity").range(1e-3, 1e4).in("W/(m K)"));
  v.field("capacity_j_per_m3_k", c.capacity_j_per_m3_k, required("heat capacity of a volume").range(1, 1e8).in("J/(m3 K)"));
  v.field("source", c.source, required("where the values come from"));
  v.field("confidence", c.confidence, required("how far they can be trusted"));
}
template <class Visitor>
void fields(Visitor& v, StackLayer& c) {
  v.field("name", c.name, required("name of the layer"));
  v.field("thickness_um", c.thickness_um, required("thickness").range(0.01, 1e5).in("um"));
  v.field("material", c.material, required("material of the layer, or between its dies"));
  v.field("die_material", c.die_material, defaulted("material in the footprints of the dies; left out: `material`"));
  v.field("heat", c.heat, defaulted("what heats it: PEs and NPU, or the DRAM"));
  v.field("slices", c.slices, defaulted("layers of cells it is cut into").range(1, 64));
  v.field("source", c.source, required("where the thickness comes from"));
}
template <class Visitor>
void fields(Visitor& v, StackSite& c) {
  v.field("x_mm", c.x_mm, required("left edge of the die").range(0, 1000).in("mm"));
  v.field("y_mm", c.y_mm, required("lower edge of the die").range(0, 1000).in("mm"));
}
template <class Visitor>
void fields(Visitor& v, StackDie& c) {
  v.field("bank_width_mm", c.bank_width_mm, required("width of a bank, and of the PE below it").range(0.01, 100).in("mm"));
  v.field("bank_height_mm", c.bank_height_mm, required("height of a bank").range(0.01, 100).in("mm"));
  v.field("bank_columns", c.bank_columns, defaulted("banks beside one another").range(1, 64));
  v.field("io_height_mm", c.io_height_mm, required("strip above the banks: TSVs of bus and supply").range(0.01, 100).in("mm"));
  v.field("port_share", c.port_share, defaulted("part of a PE's area that the HB port takes, at its lower edge").range(0.01, 0.99));
  v.field("source", c.source, required("where the sizes come from"));
}
template <class Visitor>
void fields(Visitor& v, StackNpu& c) {
  v.field("x_mm", c.x_mm, required("left edge").range(0, 1000).in("mm"));
  v.field("y_mm", c.y_mm, required("lower edge").range(0, 1000).in("mm"));
  v.field("width_mm", c.width_mm, required("width").range(0.01, 1000).in("mm"));
  v.field("height_mm", c.height_mm, required("height").range(0.01, 1000).in("mm"));
  v.field("arrays_share", c.arrays_share, required("part of the area: systolic arrays").range(0.001, 1));
  v.field("scratchpad_share", c.scratchpad_share, required("scratchpad").range(0.001, 1));
  v.field("vector_share", c.vector_share, required("vector units").range(0.001, 1));
  v.field("phy_share", c.phy_share, required("its side of the channel buses").range(0.001, 1));
  v.field("source", c.source, required("where the sizes come from"));
}
template <class Visitor>
void fields(Visitor& v, StackFloorplan& c) {
  v.field("width_mm", c.width_mm, required("width of the package").range(0.1, 1000).in("mm"));
  v.field("height_mm", c.height_mm, required("height of the package").range(0.1, 1000).in("mm"));
  v.section("channel_die", c.channel_die, required("die of a channel"));
  v.sections("channels", c.channels, required("where the dies lie, by number of the channel"));
  v.section("npu", c.npu, required("die of the NPU"));
}
template <class Visitor>
void fields(Visitor& v, StackCooling& c) {
  v.field("ambient_c", c.ambient_c, defaulted("temperature of the air, or of the coolant at its inlet").range(-100, 200).in("C"));
  v.field("resistance_k_per_w", c.resistance_k_per_w, required("from the top of the last layer to the ambient").range(1e-4, 1e3).in("K/W"));
  v.field("heat_capacity_j_per_k", c.heat_capacity_j_per_k, defaulted("of fins and chassis").range(0, 1e6).in("J/K"));
  v.field("board_resistance_k_per_w", c.board_resistance_k_per_w,
          defaulted("from the bottom of the first layer to the ambient; 0: no heat goes there").range(0, 1e6).in("K/W"));
  v.field("source", c.source, required("where the values come from"));
  v.field("confidence", c.confidence, required("how far they can be trusted"));
}
template <class Visitor>
void fields(Visitor& v, StackLeakage& c) {
  v.field("reference_c", c.reference_c, required("temperature at which the energy table's static powers hold").range(-100, 200).in("C"));
  v.field("doubles_every_c", c.doubles_every_c, required("static power doubles every so many degrees; 0: never").range(0, 1000).in("C"));
  v.field("source", c.source, required("where the values come from"));
}
template <class Visitor>
void fields(Visitor& v, ThrottleStep& c) {
  v.field("above_c", c.above_c, required("temperature above which the step holds").range(-273, 1000).in("C"));
  v.field("pe_clock", c.pe_clock, defaulted("clock of the PEs, of the system's").range(0.01, 1));
  v.field("nmp_duty", c.nmp_duty, defaulted("part of the time in which decode steps run; the rest is a pause").range(0.01, 1));
  v.field("dataflow", c.dataflow, defaulted("dataflow file instead of the experiment's, relative to this file"));
}
template <class Visitor>
void fields(Visitor& v, ThrottlePolicy& c) {
  v.field("name", c.name, required("name of the policy"));
  v.field("watch", c.watch, defaulted("the hottest of: banks, PEs and NPU, or both"));
  v.field("hysteresis_c", c.hysteresis_c, defaulted("a step is left so far below its threshold").range(0, 100).in("C"));
  v.sections("steps", c.steps, required("what is done, by temperature"));
}
template <class Visitor>
void fields(Visitor& v, Stack& c) {
  v.field("name", c.name, required("name of the stack"));
  v.field("columns", c.columns, defaulted("cells of a layer in x").range(1, 512));
  v.field("rows", c.rows, defaulted("cells of a layer in y").range(1, 512));
  v.sections("materials", c.materials, required("what the layers are made of"));
  v.sections("layers", c.layers, required("layers, from the board to the cooling"));
  v.section("floorplan", c.floorplan, required("where the dies and their parts lie"));
  v.section("cooling", c.cooling, required("the way to the ambient"));
  v.section("leakage", c.leakage, required("static power by temperature"));
  v.field("refresh_hysteresis_c", c.refresh_hysteresis_c,
          defaulted("a channel leaves a step of its ladder of refresh rates so far below its threshold").range(0, 50).in("C"));
  v.sections("throttle", c.throttle, defaulted("throttling policies"));
}

/// Decodes and checks a stack file. @throws ConfigError
Stack load_stack(const std::string& file);
Stack decode_stack(const ConfigNode& node, const std::string& path);

}  // namespace bondsim
