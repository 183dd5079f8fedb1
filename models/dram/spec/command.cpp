#include "models/dram/spec/command.hpp"

namespace bondsim {
namespace {

constexpr std::int64_t ChannelCounts::*counters[] = {&ChannelCounts::activates,
                                                     &ChannelCounts::precharges,
                                                     &ChannelCounts::reads,
                                                     &ChannelCounts::writes,
                                                     &ChannelCounts::hb_reads,
                                                     &ChannelCounts::hb_writes,
                                                     &ChannelCounts::refreshes_all_bank,
                                                     &ChannelCounts::refreshes_per_bank,
                                                     &ChannelCounts::managements_all_bank,
                                                     &ChannelCounts::managements_per_bank,
                                                     &ChannelCounts::mode_changes,
                                                     &ChannelCounts::buffer_reads,
                                                     &ChannelCounts::buffer_writes};
constexpr Picoseconds ChannelTimes::*times[] = {&ChannelTimes::host_transfer, &ChannelTimes::host_row, &ChannelTimes::column,
                                                &ChannelTimes::row,           &ChannelTimes::refresh,  &ChannelTimes::mode_switch,
                                                &ChannelTimes::free,          &ChannelTimes::rows_open};
static_assert(sizeof counters / sizeof *counters * sizeof(std::int64_t) == sizeof(ChannelCounts), "every counter is added");
static_assert(sizeof times / sizeof *times * sizeof(Picoseconds) == sizeof(ChannelTimes), "every time is added");

}  // namespace

ChannelTimes& operator+=(ChannelTimes& a, const ChannelTimes& b) {
  for (const auto time : times) a.*time += b.*time;
  return a;
}

ChannelTimes operator-(ChannelTimes a, const ChannelTimes& b) {
  for (const auto time : times) a.*time -= b.*time;
  return a;
}

ChannelCounts& operator+=(ChannelCounts& a, const ChannelCounts& b) {
  for (const auto counter : counters) a.*counter += b.*counter;
  return a;
}

ChannelCounts operator-(ChannelCounts a, const ChannelCounts& b) {
  for (const auto counter : counters) a.*counter -= b.*counter;
  return a;
}

const char* command_name(DramCommand command) {
  switch (command) {
    case DramCommand::act1:
      return "ACT1";
    case DramCommand::act2:
      return "ACT2";
    case DramCommand::rd:
      return "RD";
    case DramCommand::wr:
      return "WR";
    case DramCommand::pre:
      return "PRE";
    case DramCommand::prea:
      return "PREA";
    case DramCommand::refab:
      return "REFab";
    case DramCommand::refpb:
      return "REFpb";
    case DramCommand::nrd:
      return "NRD";
    case DramCommand::nwr:
      return "NWR";
    case DramCommand::mode_nmp:
      return "MODE_NMP";
    case DramCommand::mode_normal:
      return "MODE_NORMAL";
    case DramCommand::cas_rd:
      return "CAS_RD";
    case DramCommand::cas_wr:
      return "CAS_WR";
    case DramCommand::rfmab:
      return "RFMab";
    case DramCommand::rfmpb:
      return "RFMpb";
    case DramCommand::rdb:
      return "RDB";
    case DramCommand::wrb:
      return "WRB";
  }
  return "?";
}

}  // namespace bondsim
