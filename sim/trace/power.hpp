#pragma once
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "models/schedule/simulation_listener.hpp"
#include "models/system/machine_energy.hpp"
#include "models/system/system.hpp"
#include "sim/trace/block_trace.hpp"
#include "sim/trace/gzip_writer.hpp"

namespace bondsim {

inline constexpr const char* power_trace_schema = "# bondsim.power/1";

/// Counted actions and times behind a row of a task trace; of the NPU without its own time, which no row has.
EnergyCounts row_counts(const System& system, const Block& block, const TaskRow& row);
/// What they cost.
EnergyByComponent row_energy(const System& system, const MachineEnergy& energy, const Block& block, const TaskRow& row);

/// Writes `power.csv`: power by executor and component over intervals of the run's time, at maximum currents. A row's energy is spread
/// evenly over its time, in whole attojoules; a block that stands for several layers is written as often, one after the other. Energies
/// sum to those of results.json exactly.
class PowerWriter : public SimulationListener {
 public:
  /// @param directory exists already. @param interval above 0. @param system must outlive the writer.
  PowerWriter(const System& system, const std::string& directory, Picoseconds interval, bool gzip);

  void block_ended(const BlockTrace& trace) override;

  /// Writes the intervals that are left and ends the file. @throws ConfigError when it could not be written.
  void finish();

 private:
  struct Spread {
    std::size_t executor;  ///< 0: the NPU, then the channels
    Picoseconds start, end;
    EnergyByComponent energy;
  };
  using Interval = std::vector<EnergyByComponent>;  ///< by executor

  void spread(const Spread& share, Picoseconds offset);
  Interval& at(std::int64_t index);
  void write_until(std::int64_t index);
  void write_interval();

  const System& system_;
  std::vector<std::string> executors_;
  MachineEnergy energy_;
  GzipWriter file_;
  std::int64_t interval_ps_;
  std::int64_t first_ = 0;  ///< number of the first interval not yet written
  std::deque<Interval> intervals_;
  Picoseconds run_time_;  ///< of the blocks so far
};

}  // namespace bondsim
