#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bondsim {

/// Who runs a task: a channel (with its PEs, or its bus alone), the systolic arrays or the vector units of the NPU, or nobody (barriers).
/// In files, names of files and messages an executor is its name: that of the channel, as the schedule's header lists them
/// (`nmp.channel0`), `npu.arrays`, `npu.vector`, or `none`. Traces and times have `npu`, too: arrays, vector units and DMA together, which
/// no task names.
class ExecutorId {
 public:
  constexpr ExecutorId() = default;  ///< nobody
  static constexpr ExecutorId arrays() { return ExecutorId(Kind::arrays, 0); }
  static constexpr ExecutorId vector_units() { return ExecutorId(Kind::vector_units, 0); }
  static constexpr ExecutorId npu() { return ExecutorId(Kind::npu, 0); }
  /// @param number place in ScheduleHeader::channels, and the `channel` of the extents that lie there
  static constexpr ExecutorId of_channel(std::int32_t number) { return ExecutorId(Kind::channel, number); }

  constexpr bool is_channel() const { return kind_ == Kind::channel; }
  /// Number of the channel. @throws InternalError when it is none
  std::int32_t channel() const;

  friend constexpr bool operator==(ExecutorId a, ExecutorId b) { return a.kind_ == b.kind_ && a.channel_ == b.channel_; }
  friend constexpr bool operator<(ExecutorId a, ExecutorId b) { return a.kind_ != b.kind_ ? a.kind_ < b.kind_ : a.channel_ < b.channel_; }
  friend constexpr bool operator!=(ExecutorId a, ExecutorId b) { return !(a == b); }

 private:
  enum class Kind : std::int8_t { nobody, arrays, vector_units, npu, channel };
  constexpr ExecutorId(Kind kind, std::int32_t channel) : kind_(kind), channel_(channel) {}

  Kind kind_ = Kind::nobody;
  std::int32_t channel_ = 0;
};

/// @param channels names of the channels, by number. A channel that is not among them is `channel<number>?`.
std::string executor_name(ExecutorId executor, const std::vector<std::string>& channels);
/// Who runs tasks under a name; empty for a name that nobody has, and for `npu`.
std::optional<ExecutorId> executor_named(const std::string& name, const std::vector<std::string>& channels);

}  // namespace bondsim
