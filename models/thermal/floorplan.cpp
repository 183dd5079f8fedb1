#include "models/thermal/floorplan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "models/thermal/units.hpp"

namespace bondsim {
namespace {

using namespace thermal_units;

constexpr double touching_mm2 = 1e-9;

/// Number at the end of a unit's name.
int number_of(const std::string& unit) { return std::stoi(unit.substr(unit.find_first_of("0123456789"))); }

std::string numbered(const char* unit, int i) { return fmt::format("{}{}", unit, i); }

/// Each value divided among `targets` by its shares of them.
std::vector<double> spread(const std::vector<HeatShares>& shares, const std::vector<double>& values, std::size_t targets) {
  check(values.size() == shares.size(), "{} values, not {}", shares.size(), values.size());
  std::vector<double> out(targets);
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (const auto& [target, share] : shares[i]) out[target] += values[i] * share;
  }
  return out;
}

/// Mean of the targets' values, by the shares.
std::vector<double> means(const std::vector<HeatShares>& shares, const std::vector<double>& by_target) {
  std::vector<double> out;
  out.reserve(shares.size());
  for (const HeatShares& of_one : shares) {
    double mean = 0;
    for (const auto& [target, share] : of_one) mean += by_target[target] * share;
    out.push_back(mean);
  }
  return out;
}

}  // namespace

double overlap(const Rectangle& a, const Rectangle& b) {
  const double width = std::min(a.x + a.width, b.x + b.width) - std::max(a.x, b.x);
  const double height = std::min(a.y + a.height, b.y + b.height) - std::max(a.y, b.y);
  return std::max(width, 0.0) * std::max(height, 0.0);
}

Floorplan::Floorplan(const System& system, const Stack& stack) : stack_(stack), cells_(system), executors_{"npu"} {
  for (const std::string& name : system.channel_names()) executors_.push_back(name);
  for (std::size_t i = 0; i < stack.layers.size(); ++i) {
    if (stack.layers[i].heat == LayerHeat::dram) dram_layers_.push_back(i);
    if (stack.layers[i].heat == LayerHeat::logic) logic_layer_ = i;
  }
  const auto& places = stack.floorplan.channels;
  if (static_cast<std::size_t>(system.channel_count()) > places.size()) {
    throw ConfigError(fmt::format("{}: stack.floorplan.channels: places for {} channels, allowed: at least the {} of {}", stack.file,
                                  places.size(), system.channel_count(), system.name));
  }
  lay_npu();
  const StackDie& die = stack.floorplan.channel_die;
  for (int channel = 0; channel < system.channel_count(); ++channel) {
    const int banks = system.dram_of(channel).organization.banks();
    const int rows = ceil_div(banks, die.bank_columns);
    const StackSite& site = places[static_cast<std::size_t>(channel)];
    lay_channel(channel, {site.x_mm, site.y_mm, die.bank_columns * die.bank_width_mm, rows * die.bank_height_mm + die.io_height_mm}, banks,
                system.nmp_of(channel).placement == NmpPlacement::hybrid_bonded ? system.pes_of(channel) : 0);
  }
  check_places();
  map_cells(system);
  map_nodes();
}

void Floorplan::add_block(std::size_t layer, const Rectangle& place, std::size_t executor, const std::string& unit) {
  std::string name = executors_[executor] + "." + unit;
  if (dram_layers_.size() > 1 && layer != logic_layer_) name += "." + stack_.layers[layer].name;
  blocks_.push_back({name, layer, place, executor, unit});
}

void Floorplan::lay_npu() {
  const StackNpu& npu = stack_.floorplan.npu;
  dies_.push_back({npu.x_mm, npu.y_mm, npu.width_mm, npu.height_mm});
  double x = npu.x_mm;
  const std::pair<const char*, double> strips[] = {
      {"arrays", npu.arrays_share}, {"scratchpad", npu.scratchpad_share}, {"vector", npu.vector_share}, {"phy", npu.phy_share}};
  for (const auto& [unit, share] : strips) {
    add_block(logic_layer_, {x, npu.y_mm, npu.width_mm * share, npu.height_mm}, 0, unit);
    x += npu.width_mm * share;
  }
}

/// Banks row by row from the lower left; a PE below each bank, or below those that share it; the strip for TSVs above.
void Floorplan::lay_channel(int channel, const Rectangle& die, int banks, int pes) {
  const StackDie& shape = stack_.floorplan.channel_die;
  const std::size_t executor = static_cast<std::size_t>(channel) + 1;
  dies_.push_back(die);
  for (int bank = 0; bank < banks; ++bank) {
    const int column = bank % shape.bank_columns, row = bank / shape.bank_columns;
    const Rectangle place{die.x + column * shape.bank_width_mm, die.y + row * shape.bank_height_mm, shape.bank_width_mm,
                          shape.bank_height_mm};
    for (const std::size_t layer : dram_layers_) add_block(layer, place, executor, numbered("bank", bank));
    if (bank >= pes) continue;
    Rectangle port = place, pe = place;
    port.height = place.height * shape.port_share;
    pe.y += port.height;
    pe.height -= port.height;
    add_block(logic_layer_, port, executor, numbered("port", bank));
    add_block(logic_layer_, pe, executor, numbered("pe", bank));
  }
  const Rectangle io{die.x, die.y + die.height - shape.io_height_mm, die.width, shape.io_height_mm};
  for (const std::size_t layer : dram_layers_) add_block(layer, io, executor, "io");
}

void Floorplan::check_places() const {
  const Rectangle package{0, 0, stack_.floorplan.width_mm, stack_.floorplan.height_mm};
  for (std::size_t i = 0; i < dies_.size(); ++i) {
    if (overlap(dies_[i], package) < dies_[i].area() - touching_mm2) {
      throw ConfigError(fmt::format("{}: stack.floorplan: the die of {} stands over the package's edge, allowed: {} x {} mm", stack_.file,
                                    executors_[i], package.width, package.height));
    }
    for (std::size_t other = 0; other < i; ++other) {
      if (overlap(dies_[i], dies_[other]) <= touching_mm2) continue;
      throw ConfigError(fmt::format("{}: stack.floorplan: the dies of {} and {} overlap", stack_.file, executors_[other], executors_[i]));
    }
  }
}

/// The blocks of an executor with these units, by their areas.
HeatShares Floorplan::targets(std::size_t executor, const std::vector<std::string>& units) const {
  HeatShares shares;
  double area = 0;
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    if (blocks_[i].executor != executor || std::find(units.begin(), units.end(), blocks_[i].unit) == units.end()) continue;
    shares.emplace_back(i, blocks_[i].place.area());
    area += blocks_[i].place.area();
  }
  check(!shares.empty(), "no block for {} of executor {}", units.front(), executor);
  for (auto& share : shares) share.second /= area;
  return shares;
}

/// Standby heats all banks; the NPU at rest all of its die; the NPU's side of a bus its strip; PEs in the DRAM die their banks.
void Floorplan::map_cells(const System& system) {
  for (const PowerCell& cell : cells_.all()) {
    const bool npu = cell.executor == 0;
    const int channel = static_cast<int>(cell.executor) - 1;
    const bool in_die = !npu && system.nmp_of(channel).placement == NmpPlacement::in_die;
    std::vector<std::string> units{cell.unit};
    std::size_t executor = cell.executor;
    if (npu && cell.unit == "npu") units = {"arrays", "scratchpad", "vector", "phy"};
    if (cell.unit == "phy") executor = 0;
    if (cell.unit == "bus") units = {"io"};
    if (cell.unit == "standby") {
      units.clear();
      for (int bank = 0; bank < system.dram_of(channel).organization.banks(); ++bank) units.push_back(numbered("bank", bank));
    }
    if (const bool buffer = cell.unit.rfind("buffer", 0) == 0, pe = cell.unit.rfind("pe", 0) == 0, port = cell.unit.rfind("port", 0) == 0;
        buffer || pe || port) {
      const int number = number_of(cell.unit);
      if (!port) units = {numbered("pe", number)};
      if (in_die) {
        units.clear();
        const int shared = system.nmp_of(channel).pe.banks_per_pe;
        for (int bank = number * shared; bank < (number + 1) * shared; ++bank) units.push_back(numbered("bank", bank));
      }
    }
    of_cell_.push_back(targets(executor, units));
  }
}

void Floorplan::map_nodes() {
  const double dx = stack_.floorplan.width_mm / stack_.columns, dy = stack_.floorplan.height_mm / stack_.rows;
  const std::size_t cells = static_cast<std::size_t>(stack_.columns) * static_cast<std::size_t>(stack_.rows);
  std::vector<std::size_t> first{0};  // layer of cells by layer of the stack
  for (const StackLayer& layer : stack_.layers) first.push_back(first.back() + static_cast<std::size_t>(layer.slices));
  for (const HeatBlock& block : blocks_) {
    HeatShares shares;
    const int slices = stack_.layers[block.layer].slices;
    for (int row = 0; row < stack_.rows; ++row) {
      for (int column = 0; column < stack_.columns; ++column) {
        const double share = overlap(block.place, {column * dx, row * dy, dx, dy}) / block.place.area();
        if (share <= 1e-12) continue;
        const std::size_t cell =
            static_cast<std::size_t>(row) * static_cast<std::size_t>(stack_.columns) + static_cast<std::size_t>(column);
        for (int slice = 0; slice < slices; ++slice) {
          shares.emplace_back((first[block.layer] + static_cast<std::size_t>(slice)) * cells + cell, share / slices);
        }
      }
    }
    of_block_.push_back(std::move(shares));
  }
}

std::vector<double> Floorplan::by_block(const std::vector<double>& by_cell) const { return spread(of_cell_, by_cell, blocks_.size()); }

std::vector<double> Floorplan::mean_over_cells(const std::vector<double>& by_block) const { return means(of_cell_, by_block); }

std::vector<double> Floorplan::by_node(const std::vector<double>& by_block) const {
  std::size_t layers = 0;
  for (const StackLayer& layer : stack_.layers) layers += static_cast<std::size_t>(layer.slices);
  return spread(of_block_, by_block, layers * static_cast<std::size_t>(stack_.columns) * static_cast<std::size_t>(stack_.rows));
}

std::vector<double> Floorplan::mean_over_blocks(const std::vector<double>& by_node) const { return means(of_block_, by_node); }

/// A cell that a die covers in part has the mean of both materials by area.
ThermalGrid Floorplan::grid() const {
  ThermalGrid grid;
  grid.columns = stack_.columns;
  grid.rows = stack_.rows;
  grid.width_m = stack_.floorplan.width_mm * m_per_mm;
  grid.height_m = stack_.floorplan.height_mm * m_per_mm;
  const double dx = stack_.floorplan.width_mm / stack_.columns, dy = stack_.floorplan.height_mm / stack_.rows;
  std::vector<double> covered;
  for (int row = 0; row < grid.rows; ++row) {
    for (int column = 0; column < grid.columns; ++column) {
      double area = 0;
      for (const Rectangle& die : dies_) area += overlap(die, {column * dx, row * dy, dx, dy});
      covered.push_back(area / (dx * dy));
    }
  }
  for (const StackLayer& layer : stack_.layers) {
    const StackMaterial& between = stack_.material(layer.material);
    const StackMaterial& in_die = stack_.material(layer.die_material.empty() ? layer.material : layer.die_material);
    GridLayer cells{layer.thickness_um * m_per_um / layer.slices, {}, {}};
    for (const double share : covered) {
      cells.conductivity_w_per_m_k.push_back(share * in_die.conductivity_w_per_m_k + (1 - share) * between.conductivity_w_per_m_k);
      cells.capacity_j_per_m3_k.push_back(share * in_die.capacity_j_per_m3_k + (1 - share) * between.capacity_j_per_m3_k);
    }
    for (int slice = 0; slice < layer.slices; ++slice) grid.layers.push_back(cells);
  }
  const double area = grid.width_m * grid.height_m;
  grid.top_w_per_m2_k = 1 / (stack_.cooling.resistance_k_per_w * area);
  if (stack_.cooling.board_resistance_k_per_w > 0) grid.bottom_w_per_m2_k = 1 / (stack_.cooling.board_resistance_k_per_w * area);
  grid.top_capacity_j_per_k = stack_.cooling.heat_capacity_j_per_k;
  return grid;
}

}  // namespace bondsim
