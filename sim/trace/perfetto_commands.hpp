#pragma once
#include <array>
#include <vector>

#include "models/nmp/state.hpp"
#include "models/system/system.hpp"
#include "sim/trace/chrome_events.hpp"
#include "sim/trace/window.hpp"

namespace bondsim {

inline constexpr int run_process = 1;
inline constexpr int npu_process = 2;
inline constexpr int channel_process(int channel) { return 10 + channel; }
inline constexpr int tasks_thread = 1;
inline constexpr int mode_thread = 2;

/// The part of a Perfetto trace that goes down to commands, inside a window: rows and accesses of each bank, data on the bus, refresh and
/// mode commands, PEs at work, buffers in use. Accesses that follow one another without a gap are one slice.
class PerfettoCommands {
 public:
  PerfettoCommands(const System& system, ChromeEvents& events, const TraceWindow& window);

  void command(int channel, const CommandRecord& record);
  void nmp_changed(int channel, const NmpState& state, Picoseconds t);
  void run_ended(Picoseconds t);

 private:
  /// Accesses without a gap.
  struct Run {
    DramCommand command = DramCommand::rd;
    std::int64_t count = 0;  ///< 0: none
    std::int32_t row = -1;
    std::int32_t column = -1;
    std::int32_t op = -1;
    Picoseconds start;
    Picoseconds end;
  };
  /// One row buffer: a bank's, or one of its subarrays'.
  struct RowBuffer {
    bool used = false;  ///< its track has a name
    std::int32_t row = -1;
    Picoseconds opened;
    Run run;
  };
  struct Channel {
    std::vector<RowBuffer> buffers;  ///< by bank, subarray
    std::vector<Run> buses;          ///< data of a pseudo channel
    bool named = false;
    NmpState state;
    Picoseconds computing_since;
    bool computing = false;
    Picoseconds last;  ///< command
    Picoseconds hb_access, burst, read_latency, write_latency;
    int subarrays = 1;
  };

  RowBuffer& buffer_of(int channel, std::int32_t bank, std::int32_t row);
  Track track_of(int channel, const RowBuffer& buffer) const;
  void open_row(int channel, const CommandRecord& record);
  void close_rows(int channel, std::int32_t first_bank, std::int32_t banks, std::int32_t row, Picoseconds t);
  void close_row(int channel, RowBuffer& buffer, Picoseconds t);
  void access(int channel, const CommandRecord& record);
  void extend(Track track, Run& run, const CommandRecord& record, Picoseconds start, Picoseconds length);
  void end_run(Track track, Run& run, Picoseconds latest);
  void name_tracks(int channel);

  const System& system_;
  ChromeEvents& events_;
  const TraceWindow& window_;
  std::vector<Channel> channels_;
};

}  // namespace bondsim
