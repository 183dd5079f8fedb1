#pragma once
#include <cstdint>
#include <vector>

#include "models/base/clock.hpp"
#include "models/dram/spec/command.hpp"
#include "models/dram/timing/time_account.hpp"

namespace bondsim {

/// Completion that the channel's listener waits for: a transfer has ended, or a mode is reached.
struct ChannelEvent {
  enum class Kind : std::uint8_t { host_done, hb_done, mode_reached };
  Picoseconds time;
  Kind kind = Kind::host_done;
  std::uint64_t tag = 0;
  ChannelMode mode = ChannelMode::normal;
};

/// Times and row outcome of one request of a list (a trace, another SystemC model).
struct RequestOutcome {
  enum class Row : std::uint8_t { hit, miss, conflict, forwarded };
  std::uint64_t id = 0;
  Picoseconds arrival;
  Picoseconds accepted;
  Picoseconds end;  ///< last data beat
  bool write = false;
  Row row = Row::hit;
};

/// Puts records into the order of a trace: by time, then bank, else as they were decided.
void sort_commands(std::vector<CommandRecord>& records);

/// Refresh position; normal mode and NMP mode share it.
struct RefreshState {
  bool enabled = false;
  std::int64_t due_ps = 0;    ///< of the next refresh command
  std::int32_t position = 0;  ///< REFpb: whose turn it is
};

/// Output of a channel's decisions, shared by normal mode and NMP mode: time parts, counts, and the events, commands and request outcomes
/// that have not been handed out. Part of the state that a checkpoint restores.
struct ChannelOutput {
  TimeAccount account;
  std::vector<ChannelCounts> counts;  ///< [op + 1]
  std::vector<ChannelEvent> events;   ///< not yet handed out, any order
  std::vector<CommandRecord> log;     ///< not yet handed out
  std::vector<RequestOutcome> outcomes;
  RefreshState refresh;
  bool keep_log = false;

  ChannelCounts& of(std::int32_t op) {
    const auto i = static_cast<std::size_t>(op + 1);
    if (i >= counts.size()) counts.resize(i + 1);
    return counts[i];
  }
  ChannelCounts counts_of(std::int32_t op) const {
    const auto i = static_cast<std::size_t>(op + 1);
    return i < counts.size() ? counts[i] : ChannelCounts{};
  }
  void record(Picoseconds time, DramCommand command, std::int32_t bank, std::int32_t row, std::int32_t column, std::int32_t op) {
    if (keep_log) log.push_back({time, command, bank, row, column, op});
  }
};

}  // namespace bondsim
