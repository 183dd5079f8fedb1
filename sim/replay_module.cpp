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
  SC_METHOD(end_delays);
  sensitive << delay_end_;
  dont_initialize();
}

void Replay::bind(Executors executors) {
  executors_ = std::move(executors);
  const std::size_t channels = executors_.channels.size();
  queues_.resize(channels + 2);
  heads_.resize(channels + 2);
  times_.emplace(executors_, source_.header());
  spans_.resize(source_.header().operators.size());
  busy_.assign(channels + 3, BusyMeter(spans_.size()));
  counts_.assign(channels, std::vector<ChannelCounts>(spans_.size() + 1));
  rows_open_.resize(channels);
}

void Replay::record_tasks(SimulationListener* sink) {
  if (sink != nullptr) recorder_ = std::make_unique<TaskRecorder>(executors_, source_.header(), *sink);
}

Picoseconds Replay::now() const { return Picoseconds(static_cast<std::int64_t>(sc_core::sc_time_stamp().value())); }

/// Queues: the channels', the arrays', the vector units'. Barriers have none.
std::size_t Replay::queue_of(const Task& task) const {
  const std::size_t channels = executors_.channels.size();
  if (task.on_channel()) return static_cast<std::size_t>(task.channel());
  if (task.executor == ExecutorId::arrays()) return channels;
  return channels + 1;
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
      if (now() < pause_end_) return;
      end_block();
    } else if (done_.empty()) {
      return;
    }
  }
}

bool Replay::begin_block() {
  block_ = Block{};
  bool more = true;
  if (after_pause_) {
    block_ = std::move(*after_pause_);
    after_pause_.reset();
  } else {
    more = next_block();
  }
  if (!more) {
    complete_ = true;
    if (recorder_) recorder_->end_run();
    return false;
  } else if (block_.not_before > results_.total) {
    pause_until(block_.not_before);
  }
  running_ = true;
  block_start_ = now();
  prepare_tasks();
  return true;
}

/// The kernel would make a report of what the source throws: check_complete() throws it again as what it was.
bool Replay::next_block() {
  try {
    return source_.next(results_.total, block_);
  } catch (...) {
    failure_ = std::current_exception();
    return false;
  }
}

/// Puts a block without tasks before the present one, which lasts until then.
void Replay::pause_until(Picoseconds run_time) {
  Block pause;
  pause.phase = block_.phase;
  pause.step = block_.step;
  pause.layer = -1;
  after_pause_ = std::exchange(block_, std::move(pause));
  const Picoseconds gap = run_time - results_.total;
  pause_end_ = now() + gap;
  wakeup_.notify(sc_core::sc_time::from_value(static_cast<std::uint64_t>(gap.value)));
}

void Replay::prepare_tasks() {
  const std::size_t count = block_.tasks.size();
  left_ = count;
  states_.assign(count, State{});
  successors_.assign(count, {});
  for (auto& queue : queues_) queue.clear();
  ready_barriers_.clear();
  std::fill(heads_.begin(), heads_.end(), 0);
  std::fill(spans_.begin(), spans_.end(), Span{});
  for (std::size_t i = 0; i < count; ++i) {
    const Task& task = block_.tasks[i];
    check(task.op < static_cast<std::int32_t>(spans_.size()), "task {} is of operator {}, which is not in the header", i, task.op);
    check(!task.on_channel() || static_cast<std::size_t>(task.channel()) < counts_.size(),
          "task {} is on channel {}, which the system does not have", i, task.on_channel() ? task.channel() : -1);
    check((task.kind == TaskKind::barrier) == (task.executor == ExecutorId()), "task {} has no executor, or is a barrier with one", i);
    states_[i].waits_for = static_cast<std::int32_t>(task.dependencies.size());
    for (const std::int32_t d : task.dependencies) successors_.at(static_cast<std::size_t>(d)).push_back(static_cast<std::int32_t>(i));
    if (task.kind != TaskKind::barrier) queues_.at(queue_of(task)).push_back(static_cast<std::int32_t>(i));
    if (task.kind == TaskKind::barrier && task.dependencies.empty()) ready_barriers_.push_back(static_cast<std::int32_t>(i));
    ledger_.add_task(task, block_.executions());
  }
  times_->begin(block_);
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
  const auto starts = [&](std::int32_t id) {
    if (!may_start(id)) return false;
    start(id);
    return true;
  };
  ready_barriers_.erase(std::remove_if(ready_barriers_.begin(), ready_barriers_.end(), starts), ready_barriers_.end());
}

/// Starts the next task of an executor if it is ready and the one before has ended.
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
  times_->started(id, task);
  if (recorder_) recorder_->started(id);
  if (task.op >= 0) {
    Span& span = spans_[static_cast<std::size_t>(task.op)];
    if (!span.used) span.start = now();
    span.used = true;
  }
  if (task.kind != TaskKind::barrier) {
    busy_[queue_of(task)].started(now(), task.op);
    busy_.back().started(now(), task.op);
  }
  if (task.delay.value == 0) return begin_work(id);
  delayed_.emplace(now() + task.delay, id);
  await_delay();
}

void Replay::await_delay() {
  if (delayed_.empty()) return;
  delay_end_.notify(sc_core::sc_time::from_value(static_cast<std::uint64_t>((delayed_.begin()->first - now()).value)));
}

void Replay::end_delays() {
  while (!delayed_.empty() && delayed_.begin()->first <= now()) {
    const std::int32_t id = delayed_.begin()->second;
    delayed_.erase(delayed_.begin());
    begin_work(id);
  }
  await_delay();
  wakeup_.notify(sc_core::SC_ZERO_TIME);
}

void Replay::begin_work(std::int32_t id) {
  const Task& task = block_.tasks[static_cast<std::size_t>(id)];
  switch (task.kind) {
    case TaskKind::nmp_gemm:
    case TaskKind::nmp_vector: {
      NmpController* nmp = executors_.nmp.at(static_cast<std::size_t>(task.channel()));
      check(nmp != nullptr, "task {} is work of PEs on channel {}, which has none", id, task.channel());
      nmp->start(id, task);
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
  for (const std::int32_t successor : successors_[static_cast<std::size_t>(id)]) {
    const std::int32_t left = --states_[static_cast<std::size_t>(successor)].waits_for;
    if (left == 0 && block_.tasks[static_cast<std::size_t>(successor)].kind == TaskKind::barrier) ready_barriers_.push_back(successor);
  }
  if (task.kind != TaskKind::barrier) {
    busy_[queue_of(task)].ended(now(), task.op);
    busy_.back().ended(now(), task.op);
  }
  times_->ended(id, task);
  if (recorder_) recorder_->ended(id);
}

void Replay::end_block() {
  const Picoseconds length = now() - block_start_;
  const std::int64_t repeat = block_.executions();
  book_channels(length, repeat);
  book_npu(length, repeat);
  book_busy(length, repeat);
  const Attojoules energy = ledger_.end_block(length, repeat);
  results_.total += length * repeat;
  if (energy_) energy_(block_, Attojoules(energy.value * repeat));
  // Of a run whose steps are not known in advance only sums are kept, so that memory does not grow with it.
  if (block_.step > 0 && !after_pause_ && source_.header().steps >= 0) {
    results_.steps.resize(std::max(results_.steps.size(), static_cast<std::size_t>(block_.step)));
    results_.steps[static_cast<std::size_t>(block_.step) - 1] += length * repeat;
  }
  book_requests();
  if (recorder_) recorder_->end_block();
  running_ = false;
  if (progress_) progress_(block_);
}

namespace {

/// Checks that the parts of an executor sum to the block's length.
void check_sum(const char* who, std::size_t number, const PhaseParts& parts, Picoseconds length) {
  const Picoseconds sum = parts[0].sum() + parts[1].sum();
  check(sum == length, "{} {}: the parts of {} ps sum to {} ps", who, number, length.value, sum.value);
}

}  // namespace

void Replay::book_channels(Picoseconds length, std::int64_t repeat) {
  for (std::size_t c = 0; c < counts_.size(); ++c) {
    const PhaseParts parts = times_->end_channel(c);
    check_sum("channel", c, parts, length);
    const Picoseconds rows_open = executors_.channels[c]->times_until_now().rows_open;
    ledger_.add_rows_open(static_cast<int>(c), block_.phase, rows_open - std::exchange(rows_open_[c], rows_open), repeat);
    for (const Phase phase : {Phase::prefill, Phase::decode})
      ledger_.add_channel_time(phase, static_cast<int>(c), parts[phase_index(phase)], repeat);
    for (int op = -1; op < static_cast<int>(spans_.size()); ++op) {
      if (op >= 0 && !spans_[static_cast<std::size_t>(op)].used) continue;
      ChannelCounts& before = counts_[c][static_cast<std::size_t>(op + 1)];
      const ChannelCounts present = executors_.channels[c]->counts_until_now(op);
      ledger_.add_commands(static_cast<int>(c), op, block_.phase, present - before, repeat);
      before = present;
    }
  }
}

void Replay::book_npu(Picoseconds length, std::int64_t repeat) {
  const PhaseParts parts = times_->end_npu();
  check_sum("NPU", 0, parts, length);
  for (const Phase phase : {Phase::prefill, Phase::decode}) ledger_.add_npu_time(phase, parts[phase_index(phase)], repeat);
}

void Replay::book_busy(Picoseconds length, std::int64_t repeat) {
  for (std::size_t executor = 0; executor < busy_.size(); ++executor) {
    const BusyTimes times = busy_[executor].take(now());
    check(times.sum() == length, "executor {}: busy and waiting times of {} ps sum to {} ps", executor, length.value, times.sum().value);
    if (executor + 1 < busy_.size()) {
      ledger_.add_executor_busy(executor, block_.phase, times, repeat);
    } else {
      book_phases(times, repeat);
    }
  }
  for (std::size_t op = 0; op < spans_.size(); ++op) {
    if (spans_[op].used) ledger_.add_span(static_cast<int>(op), spans_[op].end - spans_[op].start, repeat);
  }
}

/// The run's time is of the phase of the operators it belongs to; waiting is of the block's.
void Replay::book_phases(const BusyTimes& times, std::int64_t repeat) {
  std::array<Picoseconds, 2> lengths;
  lengths[phase_index(block_.phase)] = times.waiting;
  for (std::size_t op = 0; op < times.by_operator.size(); ++op)
    lengths[phase_index(source_.header().operators[op].phase)] += times.by_operator[op];
  ledger_.add_busy(block_.phase, times, repeat);
  for (const Phase phase : {Phase::prefill, Phase::decode}) ledger_.add_time(phase, lengths[phase_index(phase)], repeat);
  results_.prefill += lengths[phase_index(Phase::prefill)] * repeat;
}

void Replay::book_requests() {
  for (const TokenYield& y : block_.yields) {
    const auto [row, fresh] = requests_.emplace(y.request, results_.requests.size());
    if (fresh) {
      RequestResult request;
      request.request = y.request;
      request.first_token = results_.total;
      results_.requests.push_back(request);
    }
    RequestResult& request = results_.requests[row->second];
    request.tokens += y.tokens * block_.steps;
    request.finish = results_.total;
  }
}

void Replay::check_complete() const {
  if (failure_) std::rethrow_exception(failure_);
  if (complete_) return;
  std::string stuck;
  int shown = 0;
  for (std::size_t i = 0; i < states_.size() && shown < 5; ++i) {
    if (states_[i].ended || (states_[i].waits_for > 0 && !states_[i].started)) continue;
    stuck +=
        fmt::format("{}task {} (operator {}, on {}, {})", shown > 0 ? "; " : "", i, block_.tasks[i].op,
                    executor_name(block_.tasks[i].executor, source_.header().channels), states_[i].started ? "started" : "not started");
    ++shown;
  }
  throw InfeasibleError(fmt::format("the schedule does not end: step {}, layer {}, {} of {} tasks left: {}", block_.step, block_.layer,
                                    left_, block_.tasks.size(), stuck));
}

}  // namespace bondsim
