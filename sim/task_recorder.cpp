#include "sim/task_recorder.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "models/base/error.hpp"

namespace bondsim {

TaskRecorder::TaskRecorder(const Executors& executors, const ScheduleHeader& header, SimulationListener& sink)
    : executors_(executors), header_(header), sink_(sink), channels_(executors.channels.size()) {}

Picoseconds TaskRecorder::now() { return Picoseconds(static_cast<std::int64_t>(sc_core::sc_time_stamp().value())); }

ChannelCounts TaskRecorder::counts_of(std::size_t channel) const {
  ChannelCounts sum;
  for (int op = -1; op < static_cast<int>(header_.operators.size()); ++op) sum += executors_.channels[channel]->counts_until_now(op);
  return sum;
}

void TaskRecorder::begin_block(const Block& block) {
  block_ = &block;
  ++index_;
  start_ = npu_since_ = now();
  npu_rows_.clear();
  npu_touched_ = 0;
  for (Channel& channel : channels_) {
    channel.since = start_;
    channel.rows.clear();
    channel.touched = 0;
  }
  sink_.block_began(block, start_);
}

/// Ends the channel's present row here. One without length is dropped, but for a task's: what was counted in it goes to the next.
void TaskRecorder::cut_channel(std::size_t index, bool keep_empty) {
  Channel& channel = channels_[index];
  if (channel.since == now() && !keep_empty) return;
  TaskRow row;
  row.executor = ExecutorId::of_channel(static_cast<std::int32_t>(index));
  row.task = channel.own >= 0 ? channel.own : channel.stream;
  row.start = std::exchange(channel.since, now());
  row.end = now();
  const ChannelSample before = std::exchange(channel.sample, sample_channel(executors_, index));
  row.parts = parts_between(before, channel.sample);
  row.rows_open = channel.sample.times.rows_open - before.times.rows_open;
  const ChannelCounts counts = std::exchange(channel.counts, counts_of(index));
  row.counts = channel.counts - counts;
  channel.rows.push_back(row);
}

/// Books the NPU's time since the last cut to the tasks that ran, or to a row without a task.
void TaskRecorder::cut_npu() {
  const NpuTimes before = std::exchange(npu_sample_, executors_.npu->times_until_now());
  const Picoseconds since = std::exchange(npu_since_, now());
  if (since == now()) return;
  TimeParts parts = parts_between(before, npu_sample_);
  if (running_.empty()) {
    TaskRow row;
    row.start = since;
    row.end = now();
    row.parts = parts;
    npu_rows_.push_back(row);
    return;
  }
  const auto is = [](TaskKind kind) { return [kind](const Task& task) { return task.kind == kind; }; };
  const auto moves = [](const Task& task) { return task.on_channel(); };
  npu_rows_[npu_row_of(is(TaskKind::npu_gemm))].parts.compute += parts.compute;
  npu_rows_[npu_row_of(is(TaskKind::npu_vector))].parts.vector += parts.vector;
  npu_rows_[npu_row_of(moves)].parts.host_transfer += parts.host_transfer;
  npu_rows_[running_.begin()->second].parts.dependency += parts.dependency;
}

/// The row of the first running task that `fits`; of the first at all when none does.
template <class Fits>
std::size_t TaskRecorder::npu_row_of(Fits fits) const {
  for (const auto& [task, row] : running_) {
    if (fits(task_of(task))) return row;
  }
  return running_.begin()->second;
}

void TaskRecorder::started(std::int32_t id) {
  const Task& task = task_of(id);
  for (const std::size_t c : channels_of(task)) {
    const bool own = task.on_channel();
    if (own || channels_[c].own < 0) cut_channel(c, false);
    (own ? channels_[c].own : channels_[c].stream) = id;
  }
  if (task.beside_banks() || task.kind == TaskKind::barrier) return;
  cut_npu();
  running_[id] = npu_rows_.size();
  TaskRow row;
  row.task = id;
  row.start = now();
  npu_rows_.push_back(row);
}

void TaskRecorder::ended(std::int32_t id) {
  const Task& task = task_of(id);
  for (const std::size_t c : channels_of(task)) {
    const bool own = task.on_channel();
    if (own || channels_[c].own < 0) cut_channel(c, own);
    (own ? channels_[c].own : channels_[c].stream) = -1;
    channels_[c].touched = channels_[c].rows.size();
  }
  if (task.beside_banks()) return;
  cut_npu();
  npu_touched_ = npu_rows_.size();
  const auto running = running_.find(id);
  if (running == running_.end()) return;
  npu_rows_[running->second].end = now();
  running_.erase(running);
}

void TaskRecorder::check_sums(const std::vector<TaskRow>& rows, Picoseconds length) const {
  Picoseconds sum;
  for (const TaskRow& row : rows) sum += row.parts.sum();
  check(sum == length, "block {}: the task rows of an executor sum to {} ps, the block has {} ps", index_, sum.value, length.value);
}

namespace {

/// Free time after the last task of a block waits for nothing.
void mark_idle(TaskRow& row) {
  row.last = row.task < 0;
  row.parts.idle = std::exchange(row.parts.dependency, Picoseconds());
}

}  // namespace

void TaskRecorder::end_block() {
  BlockTrace trace{header_, *block_, index_, start_, now(), {}};
  check(running_.empty(), "block {}: {} tasks of the NPU have not ended", index_, running_.size());
  cut_npu();
  for (std::size_t i = npu_touched_; i < npu_rows_.size(); ++i) mark_idle(npu_rows_[i]);
  check_sums(npu_rows_, trace.end - trace.start);
  trace.rows = std::move(npu_rows_);
  npu_rows_.clear();
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    cut_channel(c, false);
    std::vector<TaskRow>& rows = channels_[c].rows;
    for (std::size_t i = channels_[c].touched; i < rows.size(); ++i) mark_idle(rows[i]);
    check_sums(rows, trace.end - trace.start);
    std::move(rows.begin(), rows.end(), std::back_inserter(trace.rows));
  }
  sink_.block_ended(trace);
}

}  // namespace bondsim
