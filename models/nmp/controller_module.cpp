#include "models/nmp/controller_module.hpp"

#include <utility>

#include "models/base/quantity.hpp"

namespace bondsim {

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
}

Picoseconds NmpController::now() const { return Picoseconds(static_cast<std::int64_t>(sc_core::sc_time_stamp().value())); }

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
  if (task_ < 0) return;
  if (!running_) {
    if (!mode_reached_) return;
    if (mode_ != ChannelMode::nmp) return request_mode(ChannelMode::nmp);
    begin_task();
  }
  while (!stores_.empty() && stores_.front() <= ended_) {
    stores_.pop_front();
    buffers_.end_store();
  }
  fetch();
  start_compute();
  finish_if_complete();
  tell();
}

void NmpController::begin_task() {
  running_ = true;
  buffers_ = TileBuffers(*program_);
  pending_ = program_->next();
  task_free_began_ = channel->times_until_now().free;
  task_hidden_free_ = times_.hidden.free;
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
  compute_began_ = channel->times_until_now();
  check(start >= compute_start_, "compute starts in the past");
  compute_end_.notify(sc_core::sc_time::from_value(static_cast<std::uint64_t>((end - now()).value)));
}

void NmpController::end_compute() {
  ++events_;
  times_.compute += now() - compute_start_;
  times_.hidden += channel->times_until_now() - compute_began_;
  Piece piece = std::move(pieces_.front());
  pieces_.pop_front();
  computing_ = false;
  buffers_.end_compute(piece.span);
  if (piece.span.closes_tile) stores_.push_back(submit(piece.store, true, {}));
  tell();
  wakeup_.notify(sc_core::SC_ZERO_TIME);
}

void NmpController::finish_if_complete() {
  if (pending_->kind != TileStep::Kind::end || !pieces_.empty() || ended_ != submitted_) return;
  const Picoseconds waited = channel->times_until_now().free - task_free_began_ - (times_.hidden.free - task_hidden_free_);
  times_.buffer_wait += waited;
  times_.hidden.free += waited;
  running_ = false;
  program_.reset();
  pending_.reset();
  if (leave_mode_) request_mode(ChannelMode::normal);
  const std::int32_t task = std::exchange(task_, -1);
  listener_.task_done(task);
}

}  // namespace bondsim
