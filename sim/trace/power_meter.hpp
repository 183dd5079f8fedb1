#pragma once
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "models/schedule/simulation_listener.hpp"
#include "models/system/machine_energy.hpp"
#include "models/system/power_cells.hpp"
#include "sim/trace/block_trace.hpp"

namespace bondsim {

/// Counted actions and times behind a row of a task trace; of the NPU without its own time, which no row has.
EnergyCounts row_counts(const System& system, const Block& block, const TaskRow& row);
/// What they cost.
EnergyByComponent row_energy(const System& system, const MachineEnergy& energy, const Block& block, const TaskRow& row);

/// Energy of a row, or of the NPU at rest, over the cells that take it; entries of 0 are left out.
struct CellEnergies {
  Picoseconds start, end;                              ///< from the begin of the block
  std::vector<std::pair<std::size_t, WideInt>> cells;  ///< (number in PowerCells, attojoules)
  std::vector<std::pair<std::size_t, WideInt>> rails;  ///< (channel x rails + rail, attojoules), a part of the same energy
};

/// Divides the energy of every row of a block among the cells of the machine, exactly. Banks and PEs share it by the bytes that the row's
/// task has in each; what no task of the channel asked for (refresh, streams of the NPU) is shared evenly.
class RowDivider {
 public:
  /// @param system must outlive this
  explicit RowDivider(const System& system, EnergyColumn column = EnergyColumn::maximum);

  const System& system() const { return system_; }
  const PowerCells& cells() const { return cells_; }
  const std::vector<std::string>& rails() const { return energy_.rails(); }
  std::vector<CellEnergies> divide(const BlockTrace& trace) const;

 private:
  CellEnergies of_row(const BlockTrace& trace, const TaskRow& row) const;
  void put(CellEnergies& out, std::size_t executor, EnergyComponent component, WideInt energy,
           const std::vector<std::int64_t>& weights) const;

  const System& system_;
  PowerCells cells_;
  MachineEnergy energy_;
};

/// Energy of all cells over one interval of the run's time.
struct PowerInterval {
  Picoseconds start, end;
  std::vector<WideInt> cells;  ///< attojoules by cell
  std::vector<WideInt> rails;  ///< attojoules by channel, then rail
};

/// Power over intervals of the run's time. A row's energy is spread evenly over its time in whole attojoules; a block that stands for
/// several layers is taken as often, one after the other. All intervals sum to the energy of the results exactly.
class PowerMeter : public SimulationListener {
 public:
  /// Intervals of one block are in memory at a time.
  static constexpr std::int64_t most_block_bytes = std::int64_t{512} << 20;

  /// @param interval above 0. @param system must outlive the meter
  PowerMeter(const System& system, Picoseconds interval, EnergyColumn column = EnergyColumn::maximum);

  /// @throws ConfigError when a block has more intervals than memory is kept for
  void block_ended(const BlockTrace& trace) override;
  /// Hands over the intervals that are left.
  void finish_intervals();

 protected:
  /// An interval is complete; in their order, without a gap.
  virtual void interval_ended(const PowerInterval& interval) = 0;
  const RowDivider& divider() const { return divider_; }

 private:
  void require_room(Picoseconds length) const;
  void spread(const CellEnergies& share, Picoseconds offset);
  void add_whole(const PowerInterval& whole);
  PowerInterval& at(std::int64_t index);
  void write_until(std::int64_t index);
  void write_interval();
  PowerInterval empty() const;

  RowDivider divider_;
  std::int64_t interval_ps_;
  std::int64_t first_ = 0;  ///< number of the first interval not yet handed over
  std::deque<PowerInterval> intervals_;
  Picoseconds run_time_;  ///< of the blocks so far
};

/// Energy of all cells, by phase of the blocks, over the whole run.
class PowerTotals : public SimulationListener {
 public:
  struct PhaseTotal {
    Picoseconds time;
    std::vector<WideInt> cells;  ///< attojoules
  };

  explicit PowerTotals(const System& system, EnergyColumn column = EnergyColumn::maximum);
  void block_ended(const BlockTrace& trace) override;
  const PowerCells& cells() const { return divider_.cells(); }
  const PhaseTotal& of(Phase phase) const { return phase == Phase::prefill ? prefill_ : decode_; }

 private:
  RowDivider divider_;
  PhaseTotal prefill_, decode_;
};

}  // namespace bondsim
