#pragma once
#include <string>
#include <utility>
#include <vector>

#include "models/thermal/floorplan.hpp"

namespace bondsim {

/// Names and contents of files.
using ExportedFiles = std::vector<std::pair<std::string, std::string>>;

/// A stack with powers as HotSpot 7 reads it: stack.lcf, stack.materials, a floorplan for each layer, power.ptrace, hotspot.config. The two
/// uppermost layers become its spreader and its sink. @param block_w W by block of the floorplan
/// @throws ConfigError for what its package model cannot say: a package that is not square, a board that cools, heat or dies in one of the
/// two uppermost layers
ExportedFiles hotspot_files(const Stack& stack, const Floorplan& floorplan, const std::vector<double>& block_w, double ambient_c);

/// The same as 3D-ICE 3.1 reads it: stack.stk, a floorplan for each layer that heats, a layout for each that has two materials. Blocks
/// whose edges are not those of cells become an element for each cell.
ExportedFiles three_d_ice_files(const Stack& stack, const Floorplan& floorplan, const std::vector<double>& block_w, double ambient_c);

}  // namespace bondsim
