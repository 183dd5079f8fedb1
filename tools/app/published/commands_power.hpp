#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "models/energy/counts.hpp"
#include "models/system/system.hpp"

namespace bondsim::tools {

/// Commands of one pseudo channel of a trace of HBM-Power's format, counted.
struct CommandSums {
  std::int64_t activates = 0, reads = 0, writes = 0, refreshes = 0;
  std::int64_t cycles = 0;       ///< from the first command to the last
  std::int64_t open_cycles = 0;  ///< with a row open; a bank whose first command is no ACT has had one before
};
/// By number of the pseudo channel (channel x 2 + pseudo channel). Each is counted from its own first command to its last. @throws
/// ConfigError
std::map<int, CommandSums> count_channels(const std::string& trace, const DramConfig& dram);
/// Of a trace of one pseudo channel. @throws ConfigError; also when several are in it
CommandSums count_commands(const std::string& trace, const DramConfig& dram);

/// What these commands and the time take of one pseudo channel (a channel, where it has none) of the system, by its energy table at maximum
/// currents; without commands, one at rest.
EnergyByComponent commands_energy(const System& system, const CommandSums& sums);

/// Average power in mW of `driven` channels of a system that have these commands, and `resting` ones that have none, by its energy table.
double commands_power_mw(const System& system, const CommandSums& sums, int driven, int resting);

}  // namespace bondsim::tools
