#pragma once
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "models/system/power_cells.hpp"
#include "models/system/system.hpp"
#include "models/thermal/solver.hpp"
#include "models/thermal/stack.hpp"

namespace bondsim {

/// In mm from the package's lower left corner.
struct Rectangle {
  double x = 0, y = 0, width = 0, height = 0;
  double area() const { return width * height; }
};

/// Area that two rectangles share, in mm2.
double overlap(const Rectangle& a, const Rectangle& b);

/// A part of the machine that takes power, in a layer.
struct HeatBlock {
  std::string name;  ///< nmp.channel0.bank3; the layer's name behind it where the DRAM has several layers
  std::size_t layer = 0;
  Rectangle place;
  std::size_t executor = 0;  ///< 0: the NPU, then the channels by number
  std::string unit;          ///< bank3, io, pe3, port3, arrays, ...
};

/// Targets of a heat source by index, with the share that each takes.
using HeatShares = std::vector<std::pair<std::size_t, double>>;

/// A machine laid into a stack: which blocks there are, what heats them, and which cells of the grid they cover.
class Floorplan {
 public:
  /// @throws ConfigError when the channels do not fit the stack's places, dies overlap or stand over the package's edge
  Floorplan(const System& system, const Stack& stack);

  const std::vector<HeatBlock>& blocks() const { return blocks_; }
  const std::vector<Rectangle>& dies() const { return dies_; }
  const PowerCells& cells() const { return cells_; }

  /// By block, from values by cell of PowerCells: DRAM layers share what their banks take evenly.
  std::vector<double> by_block(const std::vector<double>& by_cell) const;
  /// By cell of PowerCells, the mean of values by block over the blocks that the cell heats.
  std::vector<double> mean_over_cells(const std::vector<double>& by_block) const;
  /// By node of the grid, a block's value spread over its area.
  std::vector<double> by_node(const std::vector<double>& by_block) const;
  /// Mean over each block's area, of values by node.
  std::vector<double> mean_over_blocks(const std::vector<double>& by_node) const;

  ThermalGrid grid() const;

 private:
  void lay_channel(int channel, const Rectangle& die, int banks, int pes);
  void lay_npu();
  void add_block(std::size_t layer, const Rectangle& place, std::size_t executor, const std::string& unit);
  void map_cells(const System& system);
  HeatShares targets(std::size_t executor, const std::vector<std::string>& units) const;
  void map_nodes();
  void check_places() const;

  const Stack& stack_;
  PowerCells cells_;
  std::vector<std::string> executors_;
  std::vector<std::size_t> dram_layers_;
  std::size_t logic_layer_ = 0;
  std::vector<Rectangle> dies_;
  std::vector<HeatBlock> blocks_;
  std::vector<HeatShares> of_cell_;   ///< by cell: (block, share)
  std::vector<HeatShares> of_block_;  ///< by block: (node, share)
};

}  // namespace bondsim
