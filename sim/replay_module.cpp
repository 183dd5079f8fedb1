#include "sim/replay_module.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace bondsim {
namespace {

/// The vector units of a task as bits; all of them where the task does not name any, or names more than there are bits.
std::uint64_t unit_mask(const VectorWork& work) {
  if (work.units <= 0 || work.first_unit < 0 || work.first_unit + work.units > 64) return ~std::uint64_t{0};
  const std::uint64_t ones = work.units == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << work.units) - 1;
  return ones << work.first_unit;
}

}  // namespace

Replay::Replay(sc_core::sc_module_name name, ScheduleSource& source, Ledger& ledger, Results& results, bool overlap, Progress progress)
    : sc_module(name), source_(source), ledger_(ledger), results_(results), overlap_(overlap), progress_(std::move(progress)) {
  SC_HAS_PROCESS(Replay);
  SC_METHOD(wake);
  sensitive << wakeup_;
}

void Replay::bind(Executors executors) {
  executors_ = std::move(executors);
  const std::size_t channels = executors_.channels.size();
  queues_.resize(channels + 3);
  heads_.resize(channels + 3);
  marks_.resize(channels);
  spans_.resize(source_.header().operators.size());
  busy_.assign(channels + 3, BusyMeter(spans_.size()));
  for (ChannelMark& mark : marks_) mark.counts.resize(source_.header().operators.size() + 1);
}

void Replay::record_tasks(TaskSink* sink) {
  if (sink != nullptr) recorder_ = std::make_unique<TaskRecorder>(executors_, source_.header(), *sink);
}

Picoseconds Replay::now() const { return Picoseconds(static_cast<std::int64_t>(sc_core::sc_time_stamp().value())); }

std::size_t Replay::executor_of(const Task& task) const {
  const std::size_t channels = executors_.channels.size();
  switch (task.kind) {
    case TaskKind::npu_gemm:
      return channels;
    case TaskKind::npu_vector:
      return channels + 1;
    case TaskKind::barrier:
      return channels + 2;
    default:
      return static_cast<std::size_t>(task.channel);
  }
}

void Replay::task_done(std::int32_t task) {
  done_.push_back(task);
  wakeup_.notify(sc_core::SC_ZERO_TIME);
}

void Replay::wake() {
  if (complete_) return;
  // Barriers and blocks without work end in the same instant, so several rounds may pass here.
  for (;;) {
    if (!running_ && !begin_block()) return;
    std::vector<std::int32_t> done;
    done.swap(done_);
    std::sort(done.begin(), done.end());
    for (const std::int32_t id : done) end(id);
    dispatch();
    if (left_ == 0) {
      end_block();
    } else if (done_.empty()) {
      return;
    }
  }
}

bool Replay::begin_block() {
  block_ = Block{};
  if (!source_.next(block_)) {
    complete_ = true;
    if (recorder_) recorder_->end_run();
    return false;
  }
  running_ = true;
  block_start_ = now();
  prepare_tasks();
  return true;
}

void Replay::prepare_tasks() {
  const std::size_t count = block_.tasks.size();
  left_ = count;
  states_.assign(count, State{});
  successors_.assign(count, {});
  for (auto& queue : queues_) queue.clear();
  std::fill(heads_.begin(), heads_.end(), 0);
  std::fill(spans_.begin(), spans_.end(), Span{});
  for (ChannelMark& mark : marks_) mark.touches_left = 0;
  npu_tasks_left_ = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Task& task = block_.tasks[i];
    check(task.op < static_cast<std::int32_t>(spans_.size()), "task {} is of operator {}, which is not in the header", i, task.op);
    check(task.channel < static_cast<std::int32_t>(marks_.size()), "task {} is on channel {}, which the system does not have", i,
          task.channel);
    states_[i].waits_for = static_cast<std::int32_t>(task.dependencies.size());
    for (const std::int32_t d : task.dependencies) successors_.at(static_cast<std::size_t>(d)).push_back(static_cast<std::int32_t>(i));
    queues_.at(executor_of(task)).push_back(static_cast<std::int32_t>(i));
    for (const std::size_t c : channels_of(task)) ++marks_.at(c).touches_left;
    if (task.kind != TaskKind::nmp_gemm) ++npu_tasks_left_;
    ledger_.add_task(task, block_.executions());
  }
  for (std::size_t c = 0; c < marks_.size(); ++c) marks_[c].free_at_last_touch = marks_[c].sample.times.free;
  npu_free_at_last_task_ = npu_mark_.free;
  if (recorder_) recorder_->begin_block(block_);
}

void Replay::dispatch() {
  const std::size_t vectors = executors_.channels.size() + 1;
  for (std::size_t executor = 0; executor < queues_.size(); ++executor) {
    if (executor == vectors) {
      start_vectors(executor);
      continue;
    }
    while (try_start(executor)) {
    }
  }
}

/// Starts the next task of an executor if it is ready and the one before has ended. Barriers end at once and in any order.
bool Replay::try_start(std::size_t executor) {
  auto& queue = queues_[executor];
  std::size_t& head = heads_[executor];
  if (head >= queue.size()) return false;
  const std::int32_t id = queue[head];
  const State& state = states_[static_cast<std::size_t>(id)];
  if (state.ended) {
    ++head;
    return true;
  }
  if (may_start(id)) start(id);
  return false;
}

bool Replay::may_start(std::int32_t id) const {
  const State& state = states_[static_cast<std::size_t>(id)];
  if (state.started || state.waits_for > 0) return false;
  return overlap_ || running_tasks_ == 0 || block_.tasks[static_cast<std::size_t>(id)].op == running_op_;
}

/// Vector work is in order on each vector unit: a task starts when no earlier one that has not ended shares a unit with it.
void Replay::start_vectors(std::size_t executor) {
  const auto& queue = queues_[executor];
  std::size_t& head = heads_[executor];
  while (head < queue.size() && states_[static_cast<std::size_t>(queue[head])].ended) ++head;
  std::uint64_t taken = 0;
  for (std::size_t i = head; i < queue.size() && ~taken != 0; ++i) {
    const std::int32_t id = queue[i];
    if (states_[static_cast<std::size_t>(id)].ended) continue;
    const std::uint64_t units = unit_mask(block_.tasks[static_cast<std::size_t>(id)].vector);
    if ((taken & units) == 0 && may_start(id)) start(id);
    taken |= units;
  }
}

void Replay::start(std::int32_t id) {
  const Task& task = block_.tasks[static_cast<std::size_t>(id)];
  states_[static_cast<std::size_t>(id)].started = true;
  running_op_ = task.op;
  ++running_tasks_;
  if (recorder_) recorder_->started(id);
  if (task.op >= 0) {
    Span& span = spans_[static_cast<std::size_t>(task.op)];
    if (!span.used) span.start = now();
    span.used = true;
  }
  if (task.kind != TaskKind::barrier) {
    busy_[executor_of(task)].started(now(), task.op);
    busy_.back().started(now(), task.op);
  }
  switch (task.kind) {
    case TaskKind::nmp_gemm: {
      NmpController* nmp = executors_.nmp.at(static_cast<std::size_t>(task.channel));
      check(nmp != nullptr, "nmp_gemm {} on channel {}, which has no PEs", id, task.channel);
      nmp->start(id, task.op, task.nmp);
      break;
    }
    case TaskKind::barrier:
      done_.push_back(id);
      break;
    default:
      executors_.npu->start(id, task);
  }
}

void Replay::end(std::int32_t id) {
  State& state = states_[static_cast<std::size_t>(id)];
  check(state.started && !state.ended, "task {} ended twice or before it started", id);
  state.ended = true;
  --left_;
  --running_tasks_;
  const Task& task = block_.tasks[static_cast<std::size_t>(id)];
  if (task.op >= 0) spans_[static_cast<std::size_t>(task.op)].end = now();
  for (const std::int32_t successor : successors_[static_cast<std::size_t>(id)]) --states_[static_cast<std::size_t>(successor)].waits_for;
  if (task.kind != TaskKind::barrier) {
    busy_[executor_of(task)].ended(now(), task.op);
    busy_.back().ended(now(), task.op);
  }
  note_touch_end(task);
  if (recorder_) recorder_->ended(id);
}

/// When the last task that uses an executor has ended, what is free from then on is idle, before that it was waiting.
void Replay::note_touch_end(const Task& task) {
  for (const std::size_t c : channels_of(task)) {
    if (--marks_[c].touches_left == 0) marks_[c].free_at_last_touch = executors_.channels[c]->times_until_now().free;
  }
  if (task.kind != TaskKind::nmp_gemm && --npu_tasks_left_ == 0) npu_free_at_last_task_ = executors_.npu->times_until_now().free;
}

TimeParts Replay::channel_parts(std::size_t c) {
  ChannelMark& mark = marks_[c];
  const ChannelSample before = std::exchange(mark.sample, sample_channel(executors_, c));
  TimeParts parts = parts_between(before, mark.sample);
  parts.idle = mark.sample.times.free - mark.free_at_last_touch;
  parts.dependency -= parts.idle;
  return parts;
}

TimeParts Replay::npu_parts() {
  const NpuTimes before = std::exchange(npu_mark_, executors_.npu->times_until_now());
  TimeParts parts = parts_between(before, npu_mark_);
  parts.idle = npu_mark_.free - npu_free_at_last_task_;
  parts.dependency -= parts.idle;
  return parts;
}

void Replay::end_block() {
  const Picoseconds length = now() - block_start_;
  const std::int64_t repeat = block_.executions();
  book_channels(length, repeat);
  book_npu(length, repeat);
  book_busy(length, repeat);
  book_steps(length, repeat);
  if (recorder_) recorder_->end_block();
  running_ = false;
  if (progress_) progress_(block_);
}

void Replay::book_channels(Picoseconds length, std::int64_t repeat) {
  for (std::size_t c = 0; c < marks_.size(); ++c) {
    const TimeParts parts = channel_parts(c);
    check(parts.sum() == length, "channel {}: the parts of {} ps sum to {} ps", c, length.value, parts.sum().value);
    ledger_.add_channel_time(block_.phase, static_cast<int>(c), parts, repeat);
    for (int op = -1; op < static_cast<int>(spans_.size()); ++op) {
      if (op >= 0 && !spans_[static_cast<std::size_t>(op)].used) continue;
      ChannelCounts& before = marks_[c].counts[static_cast<std::size_t>(op + 1)];
      const ChannelCounts present = executors_.channels[c]->counts_until_now(op);
      ledger_.add_commands(static_cast<int>(c), op, block_.phase, present - before, repeat);
      before = present;
    }
  }
}

void Replay::book_npu(Picoseconds length, std::int64_t repeat) {
  const TimeParts parts = npu_parts();
  check(parts.sum() == length, "NPU: the parts of {} ps sum to {} ps", length.value, parts.sum().value);
  ledger_.add_npu_time(block_.phase, parts, repeat);
  ledger_.add_time(block_.phase, length, repeat);
}

void Replay::book_busy(Picoseconds length, std::int64_t repeat) {
  for (std::size_t executor = 0; executor < busy_.size(); ++executor) {
    const BusyTimes times = busy_[executor].take(now());
    check(times.sum() == length, "executor {}: busy and waiting times of {} ps sum to {} ps", executor, length.value, times.sum().value);
    if (executor + 1 < busy_.size()) {
      ledger_.add_executor_busy(executor, block_.phase, times, repeat);
    } else {
      ledger_.add_busy(block_.phase, times, repeat);
    }
  }
  for (std::size_t op = 0; op < spans_.size(); ++op) {
    if (spans_[op].used) ledger_.add_span(static_cast<int>(op), spans_[op].end - spans_[op].start, repeat);
  }
}

void Replay::book_steps(Picoseconds length, std::int64_t repeat) {
  results_.total += length * repeat;
  if (block_.step == 0) {
    results_.prefill += length * repeat;
  } else {
    results_.steps.resize(std::max(results_.steps.size(), static_cast<std::size_t>(block_.step)));
    results_.steps[static_cast<std::size_t>(block_.step) - 1] += length * repeat;
  }
}

void Replay::check_complete() const {
  if (complete_) return;
  std::string stuck;
  int shown = 0;
  for (std::size_t i = 0; i < states_.size() && shown < 5; ++i) {
    if (states_[i].ended || (states_[i].waits_for > 0 && !states_[i].started)) continue;
    stuck += fmt::format("{}task {} (operator {}, channel {}, {})", shown > 0 ? "; " : "", i, block_.tasks[i].op, block_.tasks[i].channel,
                         states_[i].started ? "started" : "not started");
    ++shown;
  }
  throw InfeasibleError(fmt::format("the schedule does not end: step {}, layer {}, {} of {} tasks left: {}", block_.step, block_.layer,
                                    left_, block_.tasks.size(), stuck));
}

}  // namespace bondsim
