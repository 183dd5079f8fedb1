#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <iterator>

#include "models/thermal/export.hpp"
#include "models/thermal/units.hpp"

namespace bondsim {
namespace {

using namespace thermal_units;

/// Its keywords are small letters.
std::string identifier(char kind, const std::string& name) {
  std::string out = {kind, '_'};
  for (const char c : name) out += std::isalnum(static_cast<unsigned char>(c)) != 0 ? static_cast<char>(std::toupper(c)) : '_';
  return out;
}

bool on_grid(double value, double cell) { return std::abs(value / cell - std::round(value / cell)) < 1e-6; }

class StackWriter {
 public:
  StackWriter(const Stack& stack, const Floorplan& floorplan, const std::vector<double>& block_w)
      : stack_(stack),
        floorplan_(floorplan),
        block_w_(block_w),
        dx_(stack.floorplan.width_mm / stack.columns),
        dy_(stack.floorplan.height_mm / stack.rows) {}

  std::string materials() const {
    std::string out;
    for (const StackMaterial& m : stack_.materials) {
      fmt::format_to(std::back_inserter(out),
                     "material {} :\n   thermal conductivity     {:.9g} ;\n   volumetric heat capacity {:.9g} ;\n\n",
                     identifier('M', m.name), m.conductivity_w_per_m_k * 1e-6, m.capacity_j_per_m3_k * 1e-18);
    }
    return out;
  }

  std::string sinks(double ambient_c) const {
    const double area_um2 = stack_.floorplan.width_mm * um_per_mm * stack_.floorplan.height_mm * um_per_mm;
    const auto sink = [&](const char* side, double resistance) {
      return fmt::format("{} heat sink :\n   heat transfer coefficient {:.9g} ;\n   temperature               {:.9g} ;\n\n", side,
                         1 / (resistance * area_um2), ambient_c + kelvin_at_0_c);
    };
    std::string out = sink("top", stack_.cooling.resistance_k_per_w);
    if (stack_.cooling.board_resistance_k_per_w > 0) out += sink("bottom", stack_.cooling.board_resistance_k_per_w);
    return out;
  }

  std::string dimensions() const {
    return fmt::format("dimensions :\n   chip length {:.9g} , width {:.9g} ;\n   cell length {:.9g} , width {:.9g} ;\n\n",
                       stack_.floorplan.width_mm * um_per_mm, stack_.floorplan.height_mm * um_per_mm, dx_ * um_per_mm, dy_ * um_per_mm);
  }

  /// A layer that heats is one layer of cells there.
  static int slices(const StackLayer& layer) { return layer.heat == LayerHeat::none ? layer.slices : 1; }

  std::string layers() const {
    std::string out;
    for (const StackLayer& layer : stack_.layers) {
      fmt::format_to(std::back_inserter(out), "layer {} :\n   height {:.9g} ;\n   material {} ;\n", identifier('L', layer.name),
                     layer.thickness_um / slices(layer), identifier('M', layer.material));
      if (!layer.die_material.empty()) fmt::format_to(std::back_inserter(out), "   layout \"{}.lyt\" ;\n", layer.name);
      out += "\n";
    }
    for (const StackLayer& layer : stack_.layers) {
      if (layer.heat == LayerHeat::none) continue;
      fmt::format_to(std::back_inserter(out), "die {} :\n   source {} ;\n\n", identifier('D', layer.name), identifier('L', layer.name));
    }
    return out;
  }

  /// From the top downwards.
  std::string stack() const {
    std::string out = "stack :\n";
    for (auto layer = stack_.layers.rbegin(); layer != stack_.layers.rend(); ++layer) {
      if (layer->heat != LayerHeat::none) {
        fmt::format_to(std::back_inserter(out), "   die   {} {} floorplan \"{}.flp\" ;\n", identifier('E', layer->name),
                       identifier('D', layer->name), layer->name);
        continue;
      }
      for (int slice = 0; slice < layer->slices; ++slice) {
        fmt::format_to(std::back_inserter(out), "   layer {}_{} {} ;\n", identifier('E', layer->name), slice, identifier('L', layer->name));
      }
    }
    return out + "\n";
  }

  std::string solver(double ambient_c) const {
    std::string out = fmt::format("solver :\n   steady ;\n   initial temperature {:.9g} ;\n\noutput :\n", ambient_c + kelvin_at_0_c);
    for (const StackLayer& layer : stack_.layers) {
      if (layer.heat == LayerHeat::none) continue;
      fmt::format_to(std::back_inserter(out), "   Tmap ( {} , \"{}.map\" , final ) ;\n", identifier('E', layer.name), layer.name);
    }
    return out;
  }

  std::string layout(const StackLayer& layer) const {
    std::string out = identifier('M', layer.die_material) + " :\n";
    for (const Rectangle& die : floorplan_.dies()) {
      fmt::format_to(std::back_inserter(out), "   rectangle ( {:.9g} , {:.9g} , {:.9g} , {:.9g} ) ;\n", die.x * um_per_mm,
                     die.y * um_per_mm, die.width * um_per_mm, die.height * um_per_mm);
    }
    return out;
  }

  std::string elements(std::size_t layer) const {
    std::string out;
    std::vector<double> left(static_cast<std::size_t>(stack_.columns) * static_cast<std::size_t>(stack_.rows));
    for (std::size_t i = 0; i < floorplan_.blocks().size(); ++i) {
      const HeatBlock& block = floorplan_.blocks()[i];
      if (block.layer != layer) continue;
      const Rectangle& r = block.place;
      if (on_grid(r.x, dx_) && on_grid(r.width, dx_) && on_grid(r.y, dy_) && on_grid(r.height, dy_)) {
        out += element(identifier('B', block.name), r, block_w_[i]);
      } else {
        spread(r, block_w_[i], left);
      }
    }
    for (std::size_t cell = 0; cell < left.size(); ++cell) {
      if (left[cell] <= 0) continue;
      out += element(fmt::format("C_{}_{}", row_of(cell), column_of(cell)), place_of(cell), left[cell]);
    }
    return out;
  }

 private:
  std::size_t row_of(std::size_t cell) const { return cell / static_cast<std::size_t>(stack_.columns); }
  std::size_t column_of(std::size_t cell) const { return cell % static_cast<std::size_t>(stack_.columns); }
  Rectangle place_of(std::size_t cell) const {
    const std::size_t row = row_of(cell), column = column_of(cell);
    return {static_cast<double>(column) * dx_, static_cast<double>(row) * dy_, dx_, dy_};
  }

  static std::string element(const std::string& name, const Rectangle& r, double watts) {
    return fmt::format("{} :\n   position {:.9g} , {:.9g} ;\n   dimension {:.9g} , {:.9g} ;\n   power values {:.9g} ;\n\n", name,
                       r.x * um_per_mm, r.y * um_per_mm, r.width * um_per_mm, r.height * um_per_mm, watts);
  }

  void spread(const Rectangle& r, double watts, std::vector<double>& cells) const {
    for (std::size_t cell = 0; cell < cells.size(); ++cell) {
      cells[cell] += watts * overlap(r, place_of(cell)) / r.area();
    }
  }

  const Stack& stack_;
  const Floorplan& floorplan_;
  const std::vector<double>& block_w_;
  double dx_, dy_;
};

}  // namespace

ExportedFiles three_d_ice_files(const Stack& stack, const Floorplan& floorplan, const std::vector<double>& block_w, double ambient_c) {
  const StackWriter writer(stack, floorplan, block_w);
  ExportedFiles files{{"stack.stk", writer.materials() + writer.sinks(ambient_c) + writer.dimensions() + writer.layers() + writer.stack() +
                                        writer.solver(ambient_c)}};
  for (std::size_t i = 0; i < stack.layers.size(); ++i) {
    const StackLayer& layer = stack.layers[i];
    if (!layer.die_material.empty()) files.emplace_back(layer.name + ".lyt", writer.layout(layer));
    if (layer.heat != LayerHeat::none) files.emplace_back(layer.name + ".flp", writer.elements(i));
  }
  return files;
}

}  // namespace bondsim
