#pragma once
#include <array>
#include <cstdint>
#include <memory>

#include "models/base/clock.hpp"
#include "models/dram/host/fast_forward_table.hpp"
#include "models/dram/host/host_state.hpp"
#include "models/dram/timing/channel_output.hpp"

namespace bondsim {

/// The streams that decide what comes, in order of rank, and the operators they are charged to.
struct RecordedStreams {
  std::size_t size = 0;
  std::size_t operators = 0;
  std::size_t base = 0;  ///< rows are relative to this stream's
  std::array<std::int32_t, most_recorded_streams> slot{};
  std::array<bool, most_recorded_streams> head{};  ///< has its turn: more of its requests come
  std::array<std::size_t, most_recorded_streams> op_of{};
  std::array<std::int32_t, most_recorded_streams> op{};
};

/// Packs a host controller's state at cycle `decided` into numbers in which times and rows are relative, and back.
class HostStatePacker {
 public:
  /// @param row_ages whether the times at which rows were opened decide what comes.
  HostStatePacker(const Clock& clock, bool row_ages) : clock_(clock), row_ages_(row_ages) {}

  /// Finds the streams that decide what comes: those with requests in flight, and the head of each direction.
  /// @return false when lists or later transfers take part too, when there are too many, or when the banks of a head differ in their row.
  static bool find_streams(const HostState& host, RecordedStreams& streams);
  /// @return false when more is under way than data and refresh, or a CAS was the last command.
  bool pack(const HostState& host, const RecordedStreams& streams, ChannelOutput& output, PackedState& state) const;
  /// The reverse, at cycle `now`, after what `passed` since the cursors of the streams were where they are.
  void unpack(HostState& host, const RecordedStreams& streams, const PackedState& state, Cycle now, const FastForwardStep& passed,
              ChannelOutput& output) const;

 private:
  void pack_rows(const HostState& host, std::int32_t row, PackedState& state) const;
  static void pack_requests(const HostState& host, const RecordedStreams& streams, std::int32_t row, PackedState& state);
  static void unpack_rows(HostState& host, std::int32_t row, PackedReader& in);
  static void unpack_requests(HostState& host, const RecordedStreams& streams, std::int32_t row, PackedReader& in);

  Clock clock_;
  bool row_ages_;
};

/// Fast-forward of a host controller: records states and the steps between them, and takes known steps at once. States are recorded where
/// a stretch of a stream ends and after a refresh.
class FastForward {
 public:
  FastForward(const Clock& clock, bool row_ages) : clock_(clock), packer_(clock, row_ages) {}

  /// States are recorded in `table`. Clocks of fractional picoseconds do not fast-forward: edges as many cycles apart must be as far apart
  /// in time, else states that look alike are not.
  void use(std::shared_ptr<FastForwardTable> table) {
    if (clock_.whole_picoseconds()) table_ = std::move(table);
  }
  bool enabled() const { return table_ != nullptr; }

  /// The state is another one than any recorded: streams have come or gone, or a command was decided.
  void forget() { state_ = recording_.state = -1; }
  void forget_state() { state_ = -1; }
  void stop_recording() { recording_.state = -1; }

  /// Records the present state.
  void record(const HostState& host, ChannelOutput& output);
  /// Takes the steps known from the present state, as far as they end by `limit` and the rows reached have their shapes.
  /// @return whether there were any.
  bool advance(HostState& host, ChannelOutput& output, Picoseconds limit);

 private:
  /// The state from which the step being recorded began.
  struct Recording {
    std::int32_t state = -1;
    Cycle decided = 0;
    std::int64_t due_ps = 0;
    TimeAccount::Sums times{};
    RecordedStreams streams;
    std::array<std::int64_t, most_recorded_streams> number{};
    std::array<std::int32_t, most_recorded_streams> row{};
    std::array<ChannelCounts, most_recorded_streams> counts{};
  };

  void begin_step(const HostState& host, const RecordedStreams& streams, std::int32_t number, const ChannelOutput& output);
  void end_step(const HostState& host, const RecordedStreams& streams, std::int32_t number, const ChannelOutput& output);
  const FastForwardStep* known_step(std::int32_t number, Cycle decided, const RefreshState& refresh) const;
  static bool shapes_match(const HostState& host, const RecordedStreams& streams, const FastForwardStep& passed,
                           const FastForwardStep& step);

  Clock clock_;
  HostStatePacker packer_;
  std::shared_ptr<FastForwardTable> table_;  ///< null: every command is decided
  std::int32_t state_ = -1;                  ///< number of the present state
  std::int64_t generation_ = 0;              ///< of the table, for state_ and recording_
  Recording recording_;
};

}  // namespace bondsim
