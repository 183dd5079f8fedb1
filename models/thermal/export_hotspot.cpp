#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "models/thermal/export.hpp"
#include "models/thermal/units.hpp"

namespace bondsim {
namespace {

using namespace thermal_units;

/// Sides of its spreader and sink over the chip's: both have a periphery, and one of no width divides by 0.
constexpr double spreader_side = 1.001, sink_side = 1.002;

/// A rectangle of a layer's floorplan; those that no block covers have no power.
struct Unit {
  std::string name;
  Rectangle place;
  bool in_die = false;
  double watts = 0;
};

bool covers(const Rectangle& r, double x, double y) { return x > r.x && x < r.x + r.width && y > r.y && y < r.y + r.height; }

/// Edges of rectangles along an axis, ascending, those that differ by rounding once.
std::vector<double> edges(const std::vector<Rectangle>& rectangles, double Rectangle::*from, double Rectangle::*length) {
  std::vector<double> all;
  for (const Rectangle& r : rectangles) {
    all.push_back(r.*from);
    all.push_back(r.*from + r.*length);
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end(), [](double a, double b) { return std::abs(a - b) < 1e-7; }), all.end());
  return all;
}

/// Covers what the blocks leave free, strip by strip, with rectangles that are inside of dies or outside as a whole.
void add_fillers(std::vector<Unit>& units, const Rectangle& package, const std::vector<Rectangle>& dies) {
  std::vector<Rectangle> all = dies;
  all.push_back(package);
  for (const Unit& unit : units) all.push_back(unit.place);
  const std::size_t blocks = units.size();
  const std::vector<double> xs = edges(all, &Rectangle::x, &Rectangle::width), ys = edges(all, &Rectangle::y, &Rectangle::height);
  const auto within = [](const std::vector<Rectangle>& list, double x, double y) {
    return std::any_of(list.begin(), list.end(), [&](const Rectangle& r) { return covers(r, x, y); });
  };
  for (std::size_t row = 0; row + 1 < ys.size(); ++row) {
    Unit open;
    const auto close = [&] {
      if (open.place.width <= 0) return;
      open.name = fmt::format("fill{}", units.size() - blocks);
      units.push_back(open);
      open = Unit();
    };
    for (std::size_t column = 0; column + 1 < xs.size(); ++column) {
      const double x = (xs[column] + xs[column + 1]) / 2, y = (ys[row] + ys[row + 1]) / 2;
      const bool taken = std::any_of(units.begin(), units.begin() + static_cast<std::ptrdiff_t>(blocks),
                                     [&](const Unit& unit) { return covers(unit.place, x, y); });
      const bool in_die = within(dies, x, y);
      if (taken || in_die != open.in_die) close();
      if (taken) continue;
      if (open.place.width <= 0) open = {"", {xs[column], ys[row], 0, ys[row + 1] - ys[row]}, in_die, 0};
      open.place.width = xs[column + 1] - open.place.x;
    }
    close();
  }
}

std::vector<Unit> units_of(const Stack& stack, const Floorplan& floorplan, const std::vector<double>& block_w, std::size_t layer) {
  std::vector<Unit> units;
  for (std::size_t i = 0; i < floorplan.blocks().size(); ++i) {
    const HeatBlock& block = floorplan.blocks()[i];
    if (block.layer == layer) units.push_back({block.name, block.place, true, block_w[i]});
  }
  const bool one_material = units.empty() && stack.layers[layer].die_material.empty();
  const Rectangle package{0, 0, stack.floorplan.width_mm, stack.floorplan.height_mm};
  add_fillers(units, package, one_material ? std::vector<Rectangle>() : floorplan.dies());
  return units;
}

/// name, width, height, left, bottom in m; where the unit's material is not the layer's, heat capacity and resistivity.
std::string flp_text(const Stack& stack, const StackLayer& layer, const std::vector<Unit>& units) {
  std::string out;
  for (const Unit& unit : units) {
    fmt::format_to(std::back_inserter(out), "{}\t{:.9g}\t{:.9g}\t{:.9g}\t{:.9g}", unit.name, unit.place.width * m_per_mm,
                   unit.place.height * m_per_mm, unit.place.x * m_per_mm, unit.place.y * m_per_mm);
    if (unit.in_die && !layer.die_material.empty()) {
      const StackMaterial& m = stack.material(layer.die_material);
      fmt::format_to(std::back_inserter(out), "\t{:.9g}\t{:.9g}", m.capacity_j_per_m3_k, 1 / m.conductivity_w_per_m_k);
    }
    out += "\n";
  }
  return out;
}

std::string materials_text(const Stack& stack) {
  std::string out = "# name, solid, W/(m K), J/(m3 K)\n";
  for (const StackMaterial& m : stack.materials) {
    fmt::format_to(std::back_inserter(out), "\n{}\nsolid\n{:.9g}\n{:.9g}\n", m.name, m.conductivity_w_per_m_k, m.capacity_j_per_m3_k);
  }
  return out;
}

std::string config_text(const Stack& stack, double ambient_c) {
  const StackLayer& sink = stack.layers.back();
  const StackLayer& spreader = stack.layers[stack.layers.size() - 2];
  std::string out = fmt::format("# Stack {} of bondsim. Of HotSpot's package, spreader and sink are as large as the chip.\n", stack.name);
  const auto put = [&out](const char* key, double value) { fmt::format_to(std::back_inserter(out), "-{} {:.9g}\n", key, value); };
  const auto layer = [&](const char* name, const StackLayer& l, double side) {
    const StackMaterial& m = stack.material(l.material);
    put(fmt::format("s_{}", name).c_str(), stack.floorplan.width_mm * m_per_mm * side);
    put(fmt::format("t_{}", name).c_str(), l.thickness_um * m_per_um);
    put(fmt::format("k_{}", name).c_str(), m.conductivity_w_per_m_k);
    put(fmt::format("p_{}", name).c_str(), m.capacity_j_per_m3_k);
  };
  layer("spreader", spreader, spreader_side);
  layer("sink", sink, sink_side);
  put("r_convec", stack.cooling.resistance_k_per_w);
  put("c_convec", std::max(stack.cooling.heat_capacity_j_per_k, 1e-3));
  put("ambient", ambient_c + kelvin_at_0_c);
  put("init_temp", ambient_c + kelvin_at_0_c);
  out += "-model_type grid\n-model_secondary 0\n-grid_rows 64\n-grid_cols 64\n-grid_map_mode avg\n-leakage_used 0\n-dtm_used 0\n";
  return out;
}

void refuse(const Stack& stack, const std::string& what) { throw ConfigError(fmt::format("{}: HotSpot's package: {}", stack.file, what)); }

void check_package(const Stack& stack) {
  if (std::abs(stack.floorplan.width_mm - stack.floorplan.height_mm) > 1e-6) {
    refuse(stack, fmt::format("{} x {} mm, allowed: a square", stack.floorplan.width_mm, stack.floorplan.height_mm));
  }
  if (stack.cooling.board_resistance_k_per_w > 0) refuse(stack, "the board cools, allowed: board_resistance_k_per_w 0");
  if (stack.layers.size() < 3) refuse(stack, "fewer than 3 layers, allowed: a spreader and a sink above others");
  for (std::size_t i = stack.layers.size() - 2; i < stack.layers.size(); ++i) {
    const StackLayer& layer = stack.layers[i];
    if (layer.heat != LayerHeat::none || !layer.die_material.empty()) {
      refuse(stack, fmt::format("layer {} heats or has dies, allowed: two uppermost layers of one material", layer.name));
    }
  }
}

}  // namespace

ExportedFiles hotspot_files(const Stack& stack, const Floorplan& floorplan, const std::vector<double>& block_w, double ambient_c) {
  check_package(stack);
  ExportedFiles files;
  std::string lcf =
      "# number, lateral flow, power, material (heat capacity and conductivity), thickness in m, floorplan; the board's side first\n";
  std::string names, watts;
  int number = 0;
  for (std::size_t i = 0; i + 2 < stack.layers.size(); ++i) {
    const StackLayer& layer = stack.layers[i];
    const std::vector<Unit> units = units_of(stack, floorplan, block_w, i);
    const bool heats = layer.heat != LayerHeat::none;
    files.emplace_back(layer.name + ".flp", flp_text(stack, layer, units));
    for (int slice = 0; slice < layer.slices; ++slice) {
      fmt::format_to(std::back_inserter(lcf), "\n# {}\n{}\nY\n{}\n{}\n{:.9g}\n{}.flp\n", layer.name, number++, heats ? "Y" : "N",
                     layer.material, layer.thickness_um * m_per_um / layer.slices, layer.name);
      if (!heats) continue;
      for (const Unit& unit : units) {
        names += (names.empty() ? "" : "\t") + unit.name;
        watts += (watts.empty() ? "" : "\t") + fmt::format("{:.9g}", unit.watts / layer.slices);
      }
    }
  }
  files.emplace_back("stack.lcf", lcf);
  files.emplace_back("stack.materials", materials_text(stack));
  files.emplace_back("power.ptrace", names + "\n" + watts + "\n");
  files.emplace_back("hotspot.config", config_text(stack, ambient_c));
  return files;
}

}  // namespace bondsim
