#include "sim/trace/perfetto_commands.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "models/base/clock.hpp"

namespace bondsim {
namespace {

constexpr int bus_thread = 3;
constexpr int commands_thread = 4;
constexpr int pes_thread = 5;
constexpr int other_bus_thread = 6;  ///< of the second pseudo channel
constexpr int first_bank_thread = 10;

Track bus_track(int c, int pseudo_channel) {
  return {channel_process(c), pseudo_channel == 0 ? bus_thread : other_bus_thread + pseudo_channel - 1};
}

}  // namespace

PerfettoCommands::PerfettoCommands(const System& system, ChromeEvents& events, const TraceWindow& window)
    : system_(system), events_(events), window_(window) {
  for (int c = 0; c < system.channel_count(); ++c) {
    const DramConfig& dram = system.dram_of(c);
    const NmpConfig& nmp = system.nmp_of(c);
    const Clock clock = Clock::from_khz(std::llround(dram.timing.ck_mhz * 1000.0));
    Channel channel;
    channel.hb_access = Picoseconds(nmp.hb.access_ps());
    channel.burst = clock.edge(dram.timing.n_bl_min);
    channel.read_latency = clock.edge(dram.timing.n_cl);
    channel.write_latency = clock.edge(dram.timing.n_cwl);
    channel.subarrays = nmp.subarray_overlap ? 2 : 1;
    channel.buffers.resize(static_cast<std::size_t>(dram.organization.banks() * channel.subarrays));
    channel.buses.resize(static_cast<std::size_t>(dram.organization.pseudo_channels));
    channels_.push_back(std::move(channel));
  }
}

void PerfettoCommands::name_tracks(int c) {
  Channel& channel = channels_[static_cast<std::size_t>(c)];
  if (std::exchange(channel.named, true)) return;
  for (int p = 0; p < static_cast<int>(channel.buses.size()); ++p) {
    events_.name_thread(bus_track(c, p), channel.buses.size() == 1 ? "bus data" : fmt::format("bus data, pseudo channel {}", p));
  }
  events_.name_thread({channel_process(c), commands_thread}, "refresh and mode commands");
  if (system_.has_pes(c)) events_.name_thread({channel_process(c), pes_thread}, "PEs");
}

PerfettoCommands::RowBuffer& PerfettoCommands::buffer_of(int c, std::int32_t bank, std::int32_t row) {
  const int subarrays = channels_[static_cast<std::size_t>(c)].subarrays;
  auto& buffers = channels_[static_cast<std::size_t>(c)].buffers;
  const std::int32_t at = bank * subarrays + (subarrays == 2 ? row & 1 : 0);
  RowBuffer& buffer = buffers[static_cast<std::size_t>(at)];
  if (!std::exchange(buffer.used, true)) {
    events_.name_thread(track_of(c, buffer),
                        subarrays == 2 ? fmt::format("bank {} subarray {}", bank, row & 1) : fmt::format("bank {}", bank));
  }
  return buffer;
}

Track PerfettoCommands::track_of(int c, const RowBuffer& buffer) const {
  const auto& buffers = channels_[static_cast<std::size_t>(c)].buffers;
  return {channel_process(c), first_bank_thread + static_cast<int>(&buffer - buffers.data())};
}

void PerfettoCommands::command(int c, const CommandRecord& record) {
  name_tracks(c);
  channels_[static_cast<std::size_t>(c)].last = record.time;
  switch (record.command) {
    case DramCommand::act1:
      open_row(c, record);
      break;
    case DramCommand::act2:
      break;
    case DramCommand::pre:
      close_rows(c, record.bank, 1, record.row, record.time);
      break;
    case DramCommand::prea:
      close_rows(c, std::max(record.bank, 0), system_.dram_of(c).organization.banks_per_rank(), record.row, record.time);
      break;
    case DramCommand::rd:
    case DramCommand::wr:
    case DramCommand::nrd:
    case DramCommand::nwr:
      access(c, record);
      break;
    default:
      events_.instant({channel_process(c), commands_thread}, record.time, command_name(record.command),
                      record.bank < 0 ? std::string() : fmt::format("\"bank\":{}", record.bank));
  }
}

void PerfettoCommands::open_row(int c, const CommandRecord& record) {
  RowBuffer& buffer = buffer_of(c, record.bank, record.row);
  close_row(c, buffer, record.time);
  buffer.row = record.row;
  buffer.opened = record.time;
}

void PerfettoCommands::close_rows(int c, std::int32_t first, std::int32_t banks, std::int32_t row, Picoseconds t) {
  const int subarrays = channels_[static_cast<std::size_t>(c)].subarrays;
  auto& buffers = channels_[static_cast<std::size_t>(c)].buffers;
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    const std::int32_t bank = static_cast<std::int32_t>(i) / subarrays;
    if (bank >= first && bank < first + banks && (row < 0 || buffers[i].row == row)) close_row(c, buffers[i], t);
  }
}

void PerfettoCommands::close_row(int c, RowBuffer& buffer, Picoseconds t) {
  end_run(track_of(c, buffer), buffer.run, t);
  if (buffer.row >= 0) {
    events_.slice(track_of(c, buffer), buffer.opened, t, fmt::format("row {}", buffer.row), "row", fmt::format("\"row\":{}", buffer.row));
  }
  buffer.row = -1;
}

void PerfettoCommands::access(int c, const CommandRecord& record) {
  Channel& channel = channels_[static_cast<std::size_t>(c)];
  RowBuffer& buffer = buffer_of(c, record.bank, record.row);
  if (buffer.row != record.row) open_row(c, record);  // it was opened before the window
  const bool hb = record.command == DramCommand::nrd || record.command == DramCommand::nwr;
  extend(track_of(c, buffer), buffer.run, record, record.time, hb ? channel.hb_access : channel.burst);
  if (hb) return;
  const Picoseconds latency = record.command == DramCommand::rd ? channel.read_latency : channel.write_latency;
  const int p = system_.dram_of(c).organization.pseudo_channel_of(record.bank);
  extend(bus_track(c, p), channel.buses[static_cast<std::size_t>(p)], record, record.time + latency, channel.burst);
}

void PerfettoCommands::extend(Track track, Run& run, const CommandRecord& record, Picoseconds start, Picoseconds length) {
  if (run.count == 0 || run.command != record.command || run.op != record.requester || run.end != start) {
    end_run(track, run, start);
    run.command = record.command;
    run.row = record.row;
    run.column = record.column;
    run.op = record.requester;
    run.start = start;
  }
  ++run.count;
  run.end = start + length;
}

/// @param latest when the next thing on the track comes: without row timing that may be before the accesses have ended.
void PerfettoCommands::end_run(Track track, Run& run, Picoseconds latest) {
  if (run.count == 0) return;
  events_.slice(track, run.start, std::min(run.end, latest), fmt::format("{} x{}", command_name(run.command), run.count), "access",
                fmt::format("\"count\":{},\"row\":{},\"column\":{},\"operator\":{}", run.count, run.row, run.column, run.op));
  run.count = 0;
}

void PerfettoCommands::nmp_changed(int c, const NmpState& state, Picoseconds t) {
  Channel& channel = channels_[static_cast<std::size_t>(c)];
  const Track pes{channel_process(c), pes_thread};
  if (window_.holds(t)) {
    name_tracks(c);
    const NmpState& before = channel.state;
    if (state.inputs != before.inputs || state.weights != before.weights || state.outputs != before.outputs) {
      events_.counter(channel_process(c), t, "buffers in use",
                      {{"input", state.inputs}, {"weight", state.weights}, {"output", state.outputs}});
    }
    if (state.computing && !channel.computing) channel.computing_since = t;
    channel.computing = channel.computing || state.computing;
  }
  if (channel.computing && !state.computing) {
    events_.slice(pes, channel.computing_since, t, "compute", "pe", "");
    channel.computing = false;
  }
  channel.state = state;
}

void PerfettoCommands::run_ended(Picoseconds t) {
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    Channel& channel = channels_[c];
    const Picoseconds end = std::min(t, std::max(channel.last, window_.to));
    for (RowBuffer& buffer : channel.buffers) close_row(static_cast<int>(c), buffer, end);
    for (std::size_t p = 0; p < channel.buses.size(); ++p) {
      end_run(bus_track(static_cast<int>(c), static_cast<int>(p)), channel.buses[p], TraceWindow::never);
    }
  }
}

}  // namespace bondsim
