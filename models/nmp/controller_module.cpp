#include "models/nmp/controller_module.hpp"

#include <utility>

#include "models/base/quantity.hpp"

namespace bondsim {
namespace {

/// Nothing a buffer waits for takes longer than this; longer waits take another turn.
constexpr Picoseconds longest_load{1'000'000'000};
/// Delta cycles from the channel's own timer to the controller's answer to the last transfer.
constexpr int deltas_of_end = 3;

}  // namespace

NmpController::NmpController(sc_core::sc_module_name name, const NmpConfig& config, bool finite_buffers, TaskListener& listener)
    : sc_module(name),
      channel("channel"),
      config_(config),
      finite_buffers_(finite_buffers),
      pe_clock_(Clock::from_khz(config.pe.clock_mhz * 1000LL)),
      listener_(listener) {
  SC_HAS_PROCESS(NmpController);
  SC_METHOD(wake);
  sensitive << wakeup_;
  dont_initialize();
  SC_METHOD(end_compute);
  sensitive << compute_end_;
  dont_initialize();
  SC_METHOD(wake_at_end);
  sensitive << task_end_;
  dont_initialize();
}

Picoseconds NmpController::now() const {
  return ahead_ != nullptr ? ahead_now_ : Picoseconds(static_cast<std::int64_t>(sc_core::sc_time_stamp().value()));
}

void NmpController::observe(SimulationListener* observer, int channel) {
  observer_ = observer;
  channel_index_ = channel;
}

void NmpController::tell() const {
  if (observer_ == nullptr) return;
  NmpState state;
  state.mode = mode_;
  state.changing = !mode_reached_;
  state.computing = computing_;
  if (running_) {
    state.inputs = program_->input_slots() - buffers_.inputs_free();
    state.weights = program_->weight_slots() - buffers_.weights_free();
    state.outputs = program_->output_slots() - buffers_.outputs_free();
  }
  observer_->nmp_changed(channel_index_, state);
}

void NmpController::start(std::int32_t number, const Task& task) {
  check(task_ < 0, "{}: task {} started while task {} runs", name(), number, task_);
  task_ = number;
  op_ = task.op;
  leave_mode_ = task.nmp.leave_mode;
  if (task.kind == TaskKind::nmp_vector) {
    program_.emplace(task.vector, task.nmp, config_);
  } else {
    program_.emplace(task.nmp, config_, finite_buffers_);
  }
  wakeup_.notify(sc_core::SC_ZERO_TIME);
}

void NmpController::hb_transfer_done(std::uint64_t tag) {
  check(tag == ended_ + 1, "{}: HB transfer {} ended out of order, {} expected", name(), tag, ended_ + 1);
  ended_ = tag;
  wakeup_.notify(sc_core::SC_ZERO_TIME);
}

void NmpController::mode_reached(ChannelMode mode) {
  if (mode == mode_) mode_reached_ = true;
  tell();
  wakeup_.notify(sc_core::SC_ZERO_TIME);
}

void NmpController::request_mode(ChannelMode mode) {
  mode_ = mode;
  mode_reached_ = false;
  channel->request_mode(mode);
  tell();
}

void NmpController::wake() {
  ++events_;
  if (task_ < 0 || deltas_to_end_ > 0) return;
  if (!running_) {
    if (!mode_reached_) return;
    if (mode_ != ChannelMode::nmp) return request_mode(ChannelMode::nmp);
    begin_task();
    BanksAhead* banks = observer_ == nullptr ? channel->ahead() : nullptr;
    if (banks != nullptr) {
      ahead_now_ = now();
      ahead_ = banks;
      return run_ahead();
    }
  }
  go_on();
  if (complete()) {
    book_waits();
    finish();
  }
  tell();
}

void NmpController::begin_task() {
  running_ = true;
  buffers_ = TileBuffers(*program_);
  pending_ = program_->next();
  task_free_began_ = channel->times_until_now().free;
  task_hidden_free_ = times_.hidden.free;
}

/// What can be done at the present time without an end of something.
void NmpController::go_on() {
  while (!stores_.empty() && stores_.front() <= ended_) {
    stores_.pop_front();
    buffers_.end_store();
  }
  fetch();
  start_compute();
}

/// The whole task in its own time. Of what ends at the same time, the computation is first, as in the kernel.
void NmpController::run_ahead() {
  const Picoseconds began = now();
  for (go_on(); !complete(); go_on()) {
    check(computing_ || ended_ < submitted_, "{}: task {} waits for nothing", name(), task_);
    const Picoseconds reached = ahead_->run_ahead_to_end(computing_ ? compute_end_at_ : now() + longest_load);
    ahead_now_ = reached;
    if (computing_ && reached == compute_end_at_) {
      end_of_compute();
      go_on();
    }
    if (const std::uint64_t last = ahead_->take_ended(reached); last > 0) {
      check(last > ended_ && last <= submitted_, "{}: HB transfer {} ended, {} to {} expected", name(), last, ended_ + 1, submitted_);
      ended_ = last;
    }
  }
  book_waits();
  const Picoseconds end = now();
  ahead_->stay_ahead_until(end);
  ahead_ = nullptr;
  deltas_to_end_ = deltas_of_end;
  task_end_.notify(sc_core::sc_time::from_value(static_cast<std::uint64_t>((end - began).value)));
}

/// In the delta cycle in which the channel would tell of the last transfer: after those who act at this time by timers of their own.
void NmpController::wake_at_end() {
  if (--deltas_to_end_ > 0) return task_end_.notify(sc_core::SC_ZERO_TIME);
  ++events_;
  finish();
}

/// Issues loads in program order as far as the buffers allow. Stores wait with the piece whose computation they follow.
void NmpController::fetch() {
  while (pending_->kind != TileStep::Kind::end && buffers_.can_load(*pending_)) {
    issue(*pending_);
    pending_ = program_->next();
    if (pending_->kind == TileStep::Kind::store_output) {
      pieces_.back().store = std::move(*pending_);
      pending_ = program_->next();
    }
  }
}

void NmpController::issue(TileStep& step) {
  buffers_.load(step);
  ColumnReads reads;
  if (step.kind == TileSpan::Kind::load_weights) {
    std::int64_t bytes = 0;
    for (const Extent& extent : step.extents) bytes += extent.max_bytes_per_bank();
    reads = program_->reads_of(step, ceil_div<std::int64_t>(bytes, config_.hb.access_bytes));
    step.cycles = reads.cycles;
  }
  const std::uint64_t loaded_by = submit(step, false, reads);
  if (step.kind == TileSpan::Kind::load_weights) pieces_.push_back({loaded_by, step, {}});
}

/// @return number of the last HB transfer submitted so far: when it has ended, so has all of this step.
/// @param write to the banks; past them a load writes the buffers, and a store reads the result registers
std::uint64_t NmpController::submit(const TileStep& step, bool write, const ColumnReads& reads) {
  HbTransfer transfer;
  transfer.bus_bytes = program_->bus_bytes(step);
  if (transfer.bus_bytes > 0) submit(transfer, !write);
  for (const Extent& extent : step.extents) {
    transfer.extent = extent;
    transfer.passes = reads.passes;
    transfer.pace_ps = reads.pace_ps;
    submit(transfer, write);
  }
  return submitted_;
}

void NmpController::submit(HbTransfer transfer, bool write) {
  transfer.write = write;
  transfer.op = op_;
  transfer.tag = ++submitted_;
  if (ahead_ != nullptr) return ahead_->submit(transfer, now());
  channel->submit(transfer);
}

void NmpController::start_compute() {
  if (computing_ || pieces_.empty()) return;
  const Piece& piece = pieces_.front();
  if (piece.loaded_by > ended_ || !buffers_.can_compute(piece.span)) return;
  buffers_.begin_compute(piece.span);
  computing_ = true;
  const std::int64_t first = pe_clock_.edge_at_or_after(now());
  const Picoseconds start = pe_clock_.edge(first);
  const Picoseconds end = pe_clock_.edge(first + piece.span.cycles);
  compute_start_ = now();
  compute_end_at_ = end;
  compute_began_ = channel_times();
  check(start >= compute_start_, "compute starts in the past");
  if (ahead_ == nullptr) compute_end_.notify(sc_core::sc_time::from_value(static_cast<std::uint64_t>((end - now()).value)));
}

void NmpController::end_compute() {
  ++events_;
  end_of_compute();
  tell();
  wakeup_.notify(sc_core::SC_ZERO_TIME);
}

void NmpController::end_of_compute() {
  times_.compute += now() - compute_start_;
  times_.hidden += channel_times() - compute_began_;
  Piece piece = std::move(pieces_.front());
  pieces_.pop_front();
  computing_ = false;
  buffers_.end_compute(piece.span);
  if (piece.span.closes_tile) stores_.push_back(submit(piece.store, true, {}));
}

void NmpController::book_waits() {
  const Picoseconds waited = channel_times().free - task_free_began_ - (times_.hidden.free - task_hidden_free_);
  times_.buffer_wait += waited;
  times_.hidden.free += waited;
}

void NmpController::finish() {
  running_ = false;
  program_.reset();
  pending_.reset();
  if (leave_mode_) request_mode(ChannelMode::normal);
  const std::int32_t task = std::exchange(task_, -1);
  listener_.task_done(task);
}

}  // namespace bondsim
