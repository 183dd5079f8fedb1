#include "tools/app/published/commands_power.hpp"

#include <cmath>
#include <set>
#include <vector>

#include "models/system/energy_counts.hpp"
#include "sim/trace/dram_power.hpp"

namespace bondsim::tools {
namespace {

std::map<int, std::vector<PowerCommand>> commands_of(const std::string& trace, int banks_per_group) {
  std::map<int, std::vector<PowerCommand>> commands;
  read_hbm_power_trace(trace, banks_per_group, [&](int channel, const PowerCommand& c) { commands[channel].push_back(c); });
  return commands;
}

/// Banks with a row open before the first command: those whose first command is none that opens one.
std::set<int> open_before(const std::vector<PowerCommand>& commands) {
  std::set<int> open, seen;
  for (const PowerCommand& c : commands) {
    if (c.command == DramCommand::prea || c.command == DramCommand::refab) break;
    if (c.marks || !seen.insert(c.bank).second) continue;
    if (c.command != DramCommand::act1) open.insert(c.bank);
  }
  return open;
}

void follow(std::set<int>& open, const PowerCommand& c) {
  if (c.marks) return;
  if (c.command == DramCommand::prea) return open.clear();
  if (c.command == DramCommand::pre || c.closes) open.erase(c.bank);
  if (c.command == DramCommand::act1) open.insert(c.bank);
}

CommandSums sums_of(const std::vector<PowerCommand>& commands) {
  std::set<int> open = open_before(commands);
  CommandSums sums;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    const PowerCommand& c = commands[i];
    if (i > 0 && !open.empty()) sums.open_cycles += c.cycle - commands[i - 1].cycle;
    follow(open, c);
    if (c.marks) continue;
    sums.activates += c.command == DramCommand::act1;
    sums.reads += c.command == DramCommand::rd;
    sums.writes += c.command == DramCommand::wr;
    sums.refreshes += c.command == DramCommand::refab;
  }
  if (!commands.empty()) sums.cycles = commands.back().cycle - commands.front().cycle;
  return sums;
}

std::int64_t ps_of(const System& system, std::int64_t cycles) {
  return std::llround(static_cast<double>(cycles) * 1e6 / system.dram.timing.ck_mhz);
}

/// @throws ConfigError when no time passes in any channel
std::map<int, CommandSums> summed(const std::string& trace, const std::map<int, std::vector<PowerCommand>>& commands) {
  std::map<int, CommandSums> sums;
  std::int64_t cycles = 0;
  for (const auto& [channel, of_channel] : commands) {
    sums[channel] = sums_of(of_channel);
    cycles += sums[channel].cycles;
  }
  if (cycles == 0) throw ConfigError(trace + ": no time passes in it");
  return sums;
}

}  // namespace

std::map<int, CommandSums> count_channels(const std::string& trace, const DramConfig& dram) {
  return summed(trace, commands_of(trace, dram.organization.banks_per_group));
}

CommandSums count_commands(const std::string& trace, const DramConfig& dram) {
  const auto commands = commands_of(trace, dram.organization.banks_per_group);
  if (commands.size() > 1) throw ConfigError(trace + ": commands of several pseudo channels, allowed: of one");
  return summed(trace, commands).begin()->second;
}

EnergyByComponent commands_energy(const System& whole, const CommandSums& sums) {
  System system = whole;
  system.dram.organization.pseudo_channels = 1;  // a part of the dies where there are several
  ChannelCounts counts;
  counts.activates = sums.activates;
  counts.reads = sums.reads;
  counts.writes = sums.writes;
  counts.refreshes_all_bank = sums.refreshes;
  EnergyCounts energy = energy_counts(0, counts, system);
  energy.channel_time_ps = ps_of(system, sums.cycles);
  energy.rows_open_ps = ps_of(system, sums.open_cycles);
  return energy_model(system, EnergyColumn::maximum).energy(energy);
}

double commands_power_mw(const System& system, const CommandSums& sums, int driven, int resting) {
  CommandSums rest;
  rest.cycles = sums.cycles;
  const auto attojoules = static_cast<double>(driven) * static_cast<double>(total_of(commands_energy(system, sums)).value) +
                          static_cast<double>(resting) * static_cast<double>(total_of(commands_energy(system, rest)).value);
  return attojoules / static_cast<double>(ps_of(system, sums.cycles)) * 1e-3;  // aJ a ps are uW
}

}  // namespace bondsim::tools
