#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "models/base/clock.hpp"
#include "models/dram/spec/bank_mask.hpp"
#include "models/dram/spec/command.hpp"
#include "models/dram/spec/config.hpp"
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

/// Puts records into the order of a trace: by time, then bank, then accesses through ports after commands to rows, else as they were
/// decided.
void sort_commands(std::vector<CommandRecord>& records);

/// Activates of each bank as refresh management counts them (RAA); empty without it.
class ActivateCounts {
 public:
  ActivateCounts() = default;
  ActivateCounts(const RefreshManagement& management, int banks)
      : raa_(static_cast<std::size_t>(banks)),
        of_ref_(management.raa_initial),
        of_rfm_(management.raa_of_rfm()),
        most_(management.raa_most()) {}

  bool enabled() const { return !raa_.empty(); }
  void activated(std::size_t bank) {
    if (enabled()) ++raa_[bank];
  }
  void refreshed(std::uint64_t banks, bool by_rfm) {
    if (!enabled()) return;
    for_each_bank(banks, [&](std::size_t b) { raa_[b] = std::max(0, raa_[b] - (by_rfm ? of_rfm_ : of_ref_)); });
  }
  /// Banks that take no activate before the next REF or RFM.
  std::uint64_t full() const {
    std::uint64_t banks = 0;
    for (std::size_t b = 0; b < raa_.size(); ++b) banks |= static_cast<std::uint64_t>(raa_[b] >= most_) << b;
    return banks;
  }

 private:
  std::vector<int> raa_;
  int of_ref_ = 0, of_rfm_ = 0, most_ = 0;
};

/// Refresh position; normal mode and NMP mode share it.
struct RefreshState {
  bool enabled = false;
  std::int64_t due_ps = 0;    ///< of the next refresh command
  std::int32_t position = 0;  ///< REFpb: whose turn it is
  ActivateCounts activates;   ///< for refresh management
};

/// Output of a channel's decisions, shared by normal mode and NMP mode: time parts, counts, and the events, commands and request outcomes
/// that have not been handed out. Part of the state that a checkpoint restores.
struct ChannelOutput {
  TimeAccount account;
  std::vector<ChannelCounts> counts;  ///< [op + 1]
  std::vector<ChannelEvent> events;   ///< not yet handed out, any order
  std::vector<CommandRecord> log;     ///< not yet handed out
  std::vector<RequestOutcome> outcomes;
  RefreshState refresh;  ///< of the first pseudo channel, and of all in NMP mode
  bool keep_log = false;

  /// Transfers that several pseudo channels serve, until the last has.
  struct Shared {
    std::uint64_t tag = 0;
    int left = 0;
    Picoseconds end;
  };
  std::vector<RefreshState> other_refresh;  ///< of the other pseudo channels
  std::vector<Shared> shared;

  RefreshState& refresh_of(int pseudo_channel) {
    return pseudo_channel == 0 ? refresh : other_refresh[static_cast<std::size_t>(pseudo_channel - 1)];
  }
  const RefreshState& refresh_of(int pseudo_channel) const {
    return pseudo_channel == 0 ? refresh : other_refresh[static_cast<std::size_t>(pseudo_channel - 1)];
  }
  /// The transfer, or a pseudo channel's part of it, ends at `end`.
  void host_done(std::uint64_t tag, Picoseconds end) {
    const auto part = std::find_if(shared.begin(), shared.end(), [tag](const Shared& s) { return s.tag == tag; });
    if (part != shared.end()) {
      part->end = std::max(part->end, end);
      if (--part->left > 0) return;
      end = part->end;
      shared.erase(part);
    }
    events.push_back({end, ChannelEvent::Kind::host_done, tag, ChannelMode::normal});
  }

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
