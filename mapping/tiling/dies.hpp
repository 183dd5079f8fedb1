#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "mapping/tiling/split.hpp"
#include "models/base/fields.hpp"

namespace bondsim {

/// A chip of equal dies that hold one weight matrix and multiply it with a few rows of activations: a PE array and a memory of its own a
/// die, and one link a die that brings its inputs and takes its outputs.
struct DieSystem {
  std::string name;
  int dies = 0;
  double tera_macs_per_s = 0;
  double internal_gbps = 0;
  double link_gbps = 0;
  std::int64_t k_tile = 0;
  std::int64_t n_tile = 0;
  int activation_bits = 16;
  int weight_bits = 16;
  int output_bits = 16;
};
template <class Visitor>
void fields(Visitor& v, DieSystem& c) {
  v.field("name", c.name, required("name of the chip"));
  v.field("dies", c.dies, required("dies, each with a share of the weights").range(1, 4096));
  v.field("tera_macs_per_s", c.tera_macs_per_s, required("peak of a die").range(1e-6, 1e6).in("TMAC/s"));
  v.field("internal_gbps", c.internal_gbps, required("memory bandwidth inside a die").range(1e-3, 1e9).in("GB/s"));
  v.field("link_gbps", c.link_gbps, required("link of a die, inputs and outputs together").range(1e-3, 1e9).in("GB/s"));
  v.field("k_tile", c.k_tile, required("elements of K sent and multiplied at a time").range(1, 1 << 20));
  v.field("n_tile", c.n_tile, required("columns accumulated and returned at a time").range(1, 1 << 20));
  v.field("activation_bits", c.activation_bits, required("input elements").range(1, 64).in("bit"));
  v.field("weight_bits", c.weight_bits, required("weight elements").range(1, 64).in("bit"));
  v.field("output_bits", c.output_bits, required("output elements").range(1, 64).in("bit"));
}

/// Reads a `schema: bondsim.dies/1` file.
DieSystem decode_dies(const ConfigNode& node);

/// Time of [m, k] x [k, n] on one die when transfers and computation of different tiles overlap: the link sends the input tiles in order
/// and then returns output tiles as they are ready; a tile is multiplied when its input is there and the tile before is done, at the slower
/// of the PE array and the memory; the inputs stay in the die.
double pipelined_us(const DieSystem& dies, std::int64_t m, std::int64_t k, std::int64_t n);

/// The slowest die of a cut. The sum of partial outputs at the receiver is not part of it.
double pipelined_us(const DieSystem& dies, std::int64_t m, std::int64_t k, std::int64_t n, const GridSplit& split);

}  // namespace bondsim
