#include "sim/trace/dram_power.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "models/dram/spec/timing_rules.hpp"
#include "sim/trace/text_lines.hpp"

namespace bondsim {
namespace {

/// Name of a command in both formats; null: it has none. Refresh of some banks is DRAMPower's alone.
/// @param together banks that one REFpb refreshes
const char* power_name(DramCommand command, PowerTraceFormat format, int together) {
  const bool drampower = format == PowerTraceFormat::drampower;
  switch (command) {
    case DramCommand::act1:
      return "ACT";
    case DramCommand::rd:
    case DramCommand::nrd:
      return "RD";
    case DramCommand::wr:
    case DramCommand::nwr:
      return "WR";
    case DramCommand::pre:
      return "PRE";
    case DramCommand::prea:
      return "PREA";
    case DramCommand::refab:
    case DramCommand::rfmab:
      return "REFA";
    case DramCommand::refpb:
    case DramCommand::rfmpb:
      return !drampower ? nullptr : together == 2 ? "REFP2B" : "REFB";
    default:
      return nullptr;
  }
}

}  // namespace

PowerTraceWriter::PowerTraceWriter(PowerTraceFormat format, std::string directory, const System& system, bool gzip,
                                   const TraceWindow& window)
    : format_(format), directory_(std::move(directory)), system_(system), gzip_(gzip), window_(window) {
  for (int c = 0; format == PowerTraceFormat::hbmpower && c < system.channel_count(); ++c) {
    if (system.controller_of(c).refresh == RefreshKind::per_bank)
      throw ConfigError(
          "--trace hbmpower: refreshes banks in turns, which its format cannot say, allowed: controller.refresh all_bank, none");
    if (const DramOrganization& o = system.dram_of(c).organization; o.ranks > 1 || o.pseudo_channels > 2)
      throw ConfigError(fmt::format("--trace hbmpower: {} pseudo channels of {} ranks, which its format cannot say, allowed: up to 2 of 1",
                                    o.pseudo_channels, o.ranks));
  }
  for (int c = 0; format == PowerTraceFormat::drampower && c < system.channel_count(); ++c) {
    const DramOrganization& o = system.dram_of(c).organization;
    const int banks = o.banks_per_rank();
    if (o.pseudo_channels > 1)
      throw ConfigError(fmt::format("--trace drampower: {} pseudo channels, allowed: 1, which DRAMPower's LPDDR5 has", o.pseudo_channels));
    if ((banks == 16 && (o.bank_groups == 1 || o.bank_groups == 4)) || (banks == 8 && o.bank_groups == 1)) continue;
    throw ConfigError(fmt::format("--trace drampower: {} banks in {} groups, allowed: what DRAMPower's LPDDR5 has, 16 in 1 or 4, 8 in 1",
                                  banks, o.bank_groups));
  }
}

std::int64_t PowerTraceWriter::cycle_of(int channel, Picoseconds time) const {
  return static_cast<std::int64_t>(std::llround(static_cast<double>(time.value) * system_.dram_of(channel).timing.ck_mhz * 1e-6));
}

void PowerTraceWriter::put(File& file, int channel, const char* command, std::int64_t cycle, const CommandRecord& r) const {
  const DramOrganization& shape = system_.dram_of(channel).organization;
  const std::int32_t bank = std::max(r.bank, 0), row = std::max(r.row, 0), column = std::max(r.column, 0);
  const std::int32_t rank = shape.rank_of(bank), in_rank = bank % shape.banks_per_rank();
  const std::int32_t group = in_rank / shape.banks_per_group;
  std::string& text = file.out.text();
  if (format_ == PowerTraceFormat::drampower) {
    // It counts banks through all groups of a rank, and wants the data of a burst.
    fmt::format_to(std::back_inserter(text), "{},{},{},{},{},{},{}", cycle, command, rank, group, in_rank, row, column);
    const bool burst = r.column >= 0;
    if (burst) text.append(",0x").append(static_cast<std::size_t>(2 * shape.access_bytes()), '0');
    text += '\n';
  } else {
    fmt::format_to(std::back_inserter(text), "{},{},{},{},{},{},{},{}\n", cycle, command, channel, shape.pseudo_channel_of(bank), group,
                   bank % shape.banks_per_group, row, column);
  }
  file.last = cycle;
  file.out.flush_if_full();
}

void PowerTraceWriter::command(int channel, const CommandRecord& record) {
  if (!window_.holds(record.time)) return;
  const char* name = power_name(record.command, format_, banks_per_refresh(system_.dram_of(channel)));
  if (name == nullptr) return;
  const bool drampower = format_ == PowerTraceFormat::drampower;
  auto at = files_.find(channel);
  if (at == files_.end()) {
    const std::string base = directory_ + "/" + system_.channel_names()[static_cast<std::size_t>(channel)];
    at = files_.try_emplace(channel, base + (drampower ? ".drampower.csv" : ".hbmpower.csv"), gzip_).first;
    if (drampower) {
      GzipWriter memspec(base + ".memspec.json", false);
      memspec.text() = memspec_json(system_, channel);
      memspec.finish();
    } else {
      at->second.out.text() = "timestamp,command,channel_id,pseudochannel_id,bankgroup_id,bank_id,row_id,column_id\n";
    }
  }
  put(at->second, channel, name, std::max(cycle_of(channel, record.time), at->second.last), record);
}

void PowerTraceWriter::finish() {
  for (auto& [channel, file] : files_) {
    put(file, channel, format_ == PowerTraceFormat::drampower ? "END" : "NOP", file.last + 1, CommandRecord());
    file.out.finish();
  }
  files_.clear();
}

// ---- The part for DRAMPower ----------------------------------------------------------------------------------------------------

namespace {

using Json = nlohmann::ordered_json;

/// Currents of a rail under the keys of a voltage domain of DRAMPower's LPDDR5: idd0, idd2n, ... with the domain's ending.
void put_rail(Json& power, const CurrentTable& table, const std::string& rail, const std::string& ending) {
  const auto found = std::find_if(table.rails.begin(), table.rails.end(), [&](const RailCurrents& r) { return r.rail == rail; });
  const bool any = found != table.rails.end();
  power["vdd" + ending] = any ? found->voltage_v : 0.0;
  const auto amperes = [&](const std::optional<Current>& current, double otherwise) {
    return current ? current->of(EnergyColumn::maximum) * 1e-3 : otherwise;
  };
  const RailCurrents none{};
  const RailCurrents& r = any ? *found : none;
  const double idle = amperes(r.idd2n, 0), active = amperes(r.idd3n, idle), refresh = amperes(r.idd5, idle);
  const std::pair<const char*, double> values[] = {{"idd0", amperes(r.idd0, active)},
                                                   {"idd2n", idle},
                                                   {"idd3n", active},
                                                   {"idd4r", amperes(r.idd4r, active)},
                                                   {"idd4w", amperes(r.idd4w, active)},
                                                   {"idd5", refresh},
                                                   {"idd5pb", refresh},
                                                   {"idd6", 0.0},
                                                   {"idd6ds", 0.0},
                                                   {"idd2p", amperes(r.idd2p, idle)},
                                                   {"idd3p", active}};
  for (const auto& [key, value] : values) power[key + ending] = value;
}

}  // namespace

std::string memspec_json(const System& system, int channel) {
  const DramConfig& dram = system.dram_of(channel);
  const DramOrganization& o = dram.organization;
  const DramTiming& t = dram.timing;
  const auto cycles = [&](double ns) { return cycles_of_ns(ns, t.ck_mhz); };
  // DRAMPower: a burst takes burstLength / (dataRate x WCK2CK) cycles of CK.
  const int wck_per_ck = std::max(1, o.burst_length / (2 * std::max(1, t.n_bl_min)));
  Json j;
  Json& spec = j["memspec"];
  spec["memoryId"] = dram.name;
  spec["memoryType"] = "LPDDR5";
  spec["memarchitecturespec"] = {{"nbrOfChannels", 1},
                                 {"nbrOfColumns", o.columns},
                                 {"nbrOfRows", o.rows},
                                 {"width", o.device_width_bits},
                                 {"burstLength", o.burst_length},
                                 {"maxBurstLength", o.burst_length},
                                 {"dataRate", 2},
                                 {"nbrOfBankGroups", o.bank_groups},
                                 {"nbrOfBanks", o.banks_per_rank()},
                                 {"nbrOfRanks", o.ranks},
                                 {"nbrOfDevices", 1},
                                 {"per2BankOffset", o.banks_per_rank() / 2},
                                 {"WCKalwaysOn", t.n_wckpst < 0}};
  Json& power = spec["mempowerspec"];
  power = Json::object();
  const CurrentTable none{};
  const CurrentTable& currents = system.energy_of(channel).currents ? *system.energy_of(channel).currents : none;
  for (const auto& [rail, ending] : {std::pair<const char*, const char*>{"VDD1", "1"}, {"VDD2H", "2h"}, {"VDD2L", "2l"}})
    put_rail(power, currents, rail, ending);
  power["vddq"] = 0.5;
  for (const auto& [beta, idd0] :
       {std::pair<const char*, const char*>{"iBeta_vdd1", "idd01"}, {"iBeta_vdd2h", "idd02h"}, {"iBeta_vdd2l", "idd02l"}})
    power[beta] = power[idd0];
  spec["memtimingspec"] = {{"tCK", 1e-6 / t.ck_mhz},
                           {"REFI", cycles(t.t_refi_ns)},
                           {"REFIpb", cycles(t.t_refi_pb_ns)},
                           {"RFCab", cycles(t.t_rfc_ab_ns)},
                           {"RFCpb", cycles(t.t_rfc_pb_ns)},
                           {"RAS", t.n_ras},
                           {"RPab", t.n_rp_ab},
                           {"RPpb", t.n_rp_pb},
                           {"RCpb", t.n_rc},
                           {"RCab", t.n_ras + t.n_rp_ab},
                           {"PPD", t.n_ppd},
                           {"RCD", t.n_rcd},
                           {"RCD_L", t.n_rcd},
                           {"RCD_S", t.n_rcd},
                           {"FAW", t.n_faw},
                           {"RRD", t.n_rrd},
                           {"RL", t.n_cl},
                           {"RBTP", std::max(0, t.n_rtp - t.n_bl_min)},  // DRAMPower adds the burst
                           {"WL", t.n_cwl},
                           {"WR", t.n_wr},
                           {"RTRS", t.n_rtrs},
                           {"BL_n_min_16", t.n_bl_min},
                           {"BL_n_max_16", t.n_bl_max},
                           {"BL_n_L_16", t.n_ccd_l},
                           {"BL_n_S_16", t.n_ccd_s},
                           {"BL_n_min_32", 2 * t.n_bl_min},
                           {"BL_n_max_32", 2 * t.n_bl_max},
                           {"BL_n_L_32", 2 * t.n_ccd_l},
                           {"BL_n_S_32", 2 * t.n_ccd_s},
                           {"WTR_L", t.n_wtr_l},
                           {"WTR_S", t.n_wtr_s},
                           {"WCK2DQO", 0},
                           {"WCK2CK", wck_per_ck},
                           {"WCKtoCK", wck_per_ck},  // its name in older versions of DRAMUtils
                           {"pbR2act", cycles(t.t_pbr2act_ns)},
                           {"pbR2pbR", cycles(t.t_pbr2pbr_ns)}};
  spec["bankwisespec"] = {{"factRho", 1.0}};
  Json& impedance = spec["memimpedancespec"];
  impedance = Json::object();
  for (const char* line : {"ck", "ca", "rdq", "wdq", "wck", "rdqs"}) {
    impedance[std::string(line) + "_termination"] = false;
    impedance[std::string(line) + "_R_eq"] = 1e6;
    impedance[std::string(line) + "_dyn_E"] = 0.0;
  }
  return j.dump(2) + "\n";
}

// ---- Reading HBM-Power's -------------------------------------------------------------------------------------------------------

namespace {

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> cells_of(std::string_view line) {
  std::vector<std::string_view> cells;
  for (std::size_t begin = 0; begin <= line.size();) {
    const std::size_t end = std::min(line.find(',', begin), line.size());
    cells.push_back(trimmed(line.substr(begin, end - begin)));
    begin = end + 1;
  }
  return cells;
}

std::int64_t whole(std::string_view text, const char* what, const TextLines& lines) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0)
    lines.fail(fmt::format("{} '{}' is not a whole number from 0 on", what, text));
  return value;
}

PowerCommand power_command(std::string_view name, const TextLines& lines) {
  PowerCommand c;
  const std::pair<const char*, DramCommand> names[] = {{"ACT", DramCommand::act1}, {"PRE", DramCommand::pre},   {"PREA", DramCommand::prea},
                                                       {"RD", DramCommand::rd},    {"WR", DramCommand::wr},     {"RDA", DramCommand::rd},
                                                       {"WRA", DramCommand::wr},   {"REFA", DramCommand::refab}};
  for (const auto& [known, command] : names) {
    if (name != known) continue;
    c.command = command;
    c.closes = name.size() == 3 && name[2] == 'A';
    return c;
  }
  if (name != "NOP") lines.fail(fmt::format("command '{}' is not known, allowed: ACT, PRE, PREA, RD, WR, RDA, WRA, REFA, NOP", name));
  c.marks = true;
  return c;
}

}  // namespace

void read_hbm_power_trace(const std::string& path, int banks_per_group, const std::function<void(int, const PowerCommand&)>& take) {
  TextLines lines(path);
  std::map<int, std::int64_t> last;
  bool first = true;
  for (std::string_view line; lines.next(line);) {
    const auto cells = cells_of(line);
    const bool header = std::exchange(first, false) && cells.front() == "timestamp";
    if (header || trimmed(line).empty()) continue;
    if (cells.size() < 7) lines.fail(fmt::format("{} cells found, at least 7 are expected: timestamp to row_id", cells.size()));
    PowerCommand c = power_command(cells[1], lines);
    c.cycle = whole(cells[0], "timestamp", lines);
    const auto channel = static_cast<int>(2 * whole(cells[2], "channel_id", lines) + whole(cells[3], "pseudochannel_id", lines));
    c.bank = static_cast<std::int32_t>(whole(cells[4], "bankgroup_id", lines) * banks_per_group + whole(cells[5], "bank_id", lines));
    c.row = static_cast<std::int32_t>(whole(cells[6], "row_id", lines));
    if (cells.size() > 7 && !cells[7].empty()) c.column = static_cast<std::int32_t>(whole(cells[7], "column_id", lines));
    std::int64_t& before = last[channel];
    if (c.cycle < before) lines.fail(fmt::format("timestamp {} after {} of the same pseudo channel", c.cycle, before));
    before = c.cycle;
    take(channel, c);
  }
}

}  // namespace bondsim
