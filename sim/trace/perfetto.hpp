#pragma once
#include <optional>
#include <string>
#include <vector>

#include "models/schedule/simulation_listener.hpp"
#include "models/system/machine_energy.hpp"
#include "models/system/system.hpp"
#include "sim/trace/chrome_events.hpp"
#include "sim/trace/hub.hpp"
#include "sim/trace/perfetto_commands.hpp"
#include "sim/trace/power_meter.hpp"

namespace bondsim {

/// Writes `trace.json` for ui.perfetto.dev and chrome://tracing: tasks of every executor, arrows along their dependencies, modes, counters
/// of bandwidth and power; and inside a window, commands, PEs and buffers. traces/README.md says what is in it. It holds a block at a time,
/// whatever the length of the run.
class PerfettoWriter : public SimulationListener {
 public:
  /// @param directory exists already. @param window of commands; null: none. System and window must outlive the writer.
  PerfettoWriter(const System& system, const std::string& directory, bool gzip, const TraceWindow* window);

  void block_began(const Block& block, Picoseconds t) override;
  void block_ended(const BlockTrace& trace) override;
  void run_ended(Picoseconds t) override;
  void command(int channel, const CommandRecord& record) override;
  void nmp_changed(int channel, const NmpState& state) override;

  /// Ends the file. @throws ConfigError when it could not be written.
  void finish();

 private:
  /// Where a task of the block is drawn.
  struct Drawn {
    Track track;
    Picoseconds start;
    Picoseconds end;
  };
  /// Tracks for what may overlap: each slice goes to the first one that is free.
  struct Lanes {
    int first_thread;
    const char* name;
    std::vector<Picoseconds> busy_until;
  };
  struct Mode {
    NmpState state;
    Picoseconds since;
  };

  void name_tracks();
  int lane_for(Lanes& lanes, Picoseconds start, Picoseconds end);
  void draw_row(const BlockTrace& trace, const TaskRow& row);
  Track npu_track(const Task& task, const TaskRow& row);
  void draw_barriers(const BlockTrace& trace);
  void draw_arrows(const BlockTrace& trace);
  void draw_counters(const BlockTrace& trace);
  void draw_channel_power(const BlockTrace& trace, const TaskRow& row);
  void draw_power(const BlockTrace& trace);
  void draw_npu_power(const BlockTrace& trace);
  void draw_unit_power(const BlockTrace& trace);
  Attojoules energy_of(const Block& block, const TaskRow& row) const;
  void end_step(Picoseconds t);
  void draw_mode(int channel, Picoseconds t);

  const System& system_;
  MachineEnergy energy_;
  ChromeEvents events_;
  std::optional<PerfettoCommands> commands_;
  std::optional<RowDivider> divider_;  ///< where there is a window
  const TraceWindow* window_;          ///< null: none
  std::vector<Drawn> drawn_;           ///< by task of the block
  Lanes dma_;
  Lanes barriers_;
  std::vector<bool> vector_units_named_;
  std::int64_t arrows_ = 0;
  std::int32_t step_ = -1;
  Picoseconds step_start_;
  std::vector<Mode> modes_;  ///< by channel
};

}  // namespace bondsim
