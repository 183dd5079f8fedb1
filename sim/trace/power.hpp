#pragma once
#include <string>
#include <vector>

#include "sim/trace/gzip_writer.hpp"
#include "sim/trace/power_meter.hpp"

namespace bondsim {

inline constexpr const char* power_trace_schema = "# bondsim.power/2";
inline constexpr const char* currents_schema = "# bondsim.currents/1";

/// How finely power.csv divides a channel.
enum class PowerDetail {
  unit,    ///< each bank, port, PE and buffer
  channel  ///< by component only
};

/// Writes `power.csv`, power by executor, unit and component over intervals of the run's time at maximum currents, and `currents.csv`, the
/// average and the highest current of each rail of each channel. traces/README.md says what is in them.
class PowerWriter final : public PowerMeter {
 public:
  /// @param directory exists already
  PowerWriter(const System& system, const std::string& directory, Picoseconds interval, bool gzip, PowerDetail detail = PowerDetail::unit);

  /// Writes the intervals that are left and ends the files. @throws ConfigError when one could not be written.
  void finish();

 private:
  struct RailSum {
    WideInt energy = 0;
    double peak_w = 0;
    Picoseconds peak_start;
  };

  void interval_ended(const PowerInterval& interval) override;
  void write(const PowerInterval& interval, std::size_t cell, const std::string& unit, WideInt energy);
  void note_rails(const PowerInterval& interval);
  void write_currents();

  std::vector<std::string> executors_;
  GzipWriter file_, currents_;
  PowerDetail detail_;
  std::vector<RailSum> rails_;  ///< by channel, then rail
  Picoseconds end_;
};

}  // namespace bondsim
