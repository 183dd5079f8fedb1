#include "tools/app/published/commands_power.hpp"

#include <cmath>
#include <set>
#include <vector>

#include "models/system/energy_counts.hpp"
#include "sim/trace/dram_power.hpp"

namespace bondsim::tools {
namespace {

std::vector<PowerCommand> commands_of(const std::string& trace, int banks_per_group) {
  std::vector<PowerCommand> commands;
  int of = -1;
  read_hbm_power_trace(trace, banks_per_group, [&](int channel, const PowerCommand& c) {
    if (of >= 0 && channel != of) throw ConfigError(trace + ": commands of several pseudo channels, allowed: of one");
    of = channel;
    commands.push_back(c);
  });
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

}  // namespace

CommandSums count_commands(const std::string& trace, const DramConfig& dram) {
  const std::vector<PowerCommand> commands = commands_of(trace, dram.organization.banks_per_group);
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
  if (sums.cycles == 0) throw ConfigError(trace + ": no time passes in it");
  return sums;
}

double commands_power_mw(const System& system, const CommandSums& sums, int driven, int resting) {
  ChannelCounts counts;
  counts.activates = sums.activates;
  counts.reads = sums.reads;
  counts.writes = sums.writes;
  counts.refreshes_all_bank = sums.refreshes;
  EnergyCounts busy = energy_counts(0, counts, system), rest;
  const double ps_a_cycle = 1e6 / system.dram.timing.ck_mhz;
  busy.channel_time_ps = rest.channel_time_ps = std::llround(static_cast<double>(sums.cycles) * ps_a_cycle);
  busy.rows_open_ps = std::llround(static_cast<double>(sums.open_cycles) * ps_a_cycle);
  const EnergyModel model = energy_model(system, EnergyColumn::maximum);
  const auto attojoules = static_cast<double>(driven) * static_cast<double>(total_of(model.energy(busy)).value) +
                          static_cast<double>(resting) * static_cast<double>(total_of(model.energy(rest)).value);
  return attojoules / static_cast<double>(busy.channel_time_ps) * 1e-3;  // aJ a ps are uW
}

}  // namespace bondsim::tools
