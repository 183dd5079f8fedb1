#pragma once
#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "models/energy/counts.hpp"
#include "models/system/system.hpp"

namespace bondsim {

/// One energy component of one part of the machine: `bank3` of a channel with `dram_array`, say.
struct PowerCell {
  std::size_t executor = 0;  ///< 0: the NPU, then the channels by number
  EnergyComponent component = EnergyComponent::static_power;
  int place = 0;     ///< number of the bank or PE; of offchip_io, 0 are the pins of the DRAM and 1 the NPU's side of the bus
  std::string unit;  ///< bank3, port3, pe3, buffer3, bus, phy, standby; of the NPU arrays, scratchpad, vector, npu
};

/// All cells of a machine, numbered: the NPU's, then each channel's by component and place. A channel's cells: rows, array and refresh of
/// each bank; the HB port, PE (with what it takes at rest, and its part of the channel's
/// vector unit) and buffer of each PE, where there are PEs; both sides of the bus; standby of
/// its dies.
class PowerCells {
 public:
  explicit PowerCells(const System& system);

  std::size_t size() const { return cells_.size(); }
  const std::vector<PowerCell>& all() const { return cells_; }
  const PowerCell& operator[](std::size_t cell) const { return cells_[cell]; }

  /// Places of a component on an executor; 0 where it takes no energy there.
  int places(std::size_t executor, EnergyComponent component) const { return at(executor, component).places; }
  /// Number of the cell of its first place.
  std::size_t first(std::size_t executor, EnergyComponent component) const { return at(executor, component).first; }

 private:
  struct Span {
    std::size_t first = 0;
    int places = 0;
  };
  const Span& at(std::size_t executor, EnergyComponent c) const { return spans_[executor][static_cast<std::size_t>(c)]; }
  void add(std::size_t executor, EnergyComponent component, const char* unit, int places, bool numbered);
  void add_channel(std::size_t executor, int banks, int pes);

  std::vector<PowerCell> cells_;
  std::vector<std::array<Span, energy_components>> spans_;  ///< by executor
};

/// Splits a whole number of attojoules by weights; the parts sum to it exactly. All weights 0: evenly. @param weights none below 0
std::vector<WideInt> split_energy(WideInt energy, const std::vector<std::int64_t>& weights);

}  // namespace bondsim
