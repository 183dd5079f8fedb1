#include "sim/block_times.hpp"

#include <algorithm>
#include <utility>

namespace bondsim {

BlockTimes::BlockTimes(const Executors& executors, const ScheduleHeader& header)
    : executors_(executors), header_(header), channels_(executors.channels.size()) {}

Phase BlockTimes::phase_of(const Task* task) const {
  if (task == nullptr || task->op < 0) return block_->phase;
  return header_.operators.at(static_cast<std::size_t>(task->op)).phase;
}

void BlockTimes::begin(const Block& block) {
  block_ = &block;
  mixed_ = std::any_of(block.tasks.begin(), block.tasks.end(), [&](const Task& t) { return phase_of(&t) != block.phase; });
  npu_parts_ = {};
  npu_tasks_left_ = 0;
  npu_free_at_last_task_ = npu_sample_.free;
  for (Channel& channel : channels_) {
    channel.parts = {};
    channel.touches_left = 0;
    channel.free_at_last_touch = channel.sample.times.free;
  }
  for (const Task& task : block.tasks) {
    for (const std::size_t c : channels_of(task)) ++channels_.at(c).touches_left;
    if (!task.beside_banks()) ++npu_tasks_left_;
  }
}

void BlockTimes::cut_channel(std::size_t index) {
  Channel& channel = channels_[index];
  const ChannelSample before = std::exchange(channel.sample, sample_channel(executors_, index));
  const Phase phase = phase_of(channel.own != nullptr ? channel.own : channel.stream);
  channel.parts[phase_index(phase)].add_scaled(parts_between(before, channel.sample), 1);
}

const Task* BlockTimes::first_on_npu(TaskKind kind) const {
  for (const auto& entry : on_npu_) {
    if (entry.second->kind == kind) return entry.second;
  }
  return nullptr;
}

void BlockTimes::cut_npu() {
  const NpuTimes before = std::exchange(npu_sample_, executors_.npu->times_until_now());
  const TimeParts parts = parts_between(before, npu_sample_);
  const Task* gemm = first_on_npu(TaskKind::npu_gemm);
  const Task* moves = gemm;
  for (const auto& entry : on_npu_) {
    if (!entry.second->on_channel()) continue;
    moves = entry.second;
    break;
  }
  npu_parts_[phase_index(phase_of(gemm))].compute += parts.compute;
  npu_parts_[phase_index(phase_of(first_on_npu(TaskKind::npu_vector)))].vector += parts.vector;
  npu_parts_[phase_index(phase_of(moves))].host_transfer += parts.host_transfer;
  npu_parts_[phase_index(block_->phase)].dependency += parts.dependency;
}

void BlockTimes::started(std::int32_t id, const Task& task) {
  if (!mixed_ || task.kind == TaskKind::barrier) return;
  for (const std::size_t c : channels_of(task)) {
    Channel& channel = channels_[c];
    if (task.on_channel() || channel.own == nullptr) cut_channel(c);
    (task.on_channel() ? channel.own : channel.stream) = &task;
  }
  if (task.beside_banks()) return;
  cut_npu();
  on_npu_[id] = &task;
}

void BlockTimes::ended(std::int32_t id, const Task& task) {
  for (const std::size_t c : channels_of(task)) {
    Channel& channel = channels_[c];
    if (--channel.touches_left == 0) channel.free_at_last_touch = executors_.channels[c]->times_until_now().free;
    if (!mixed_) continue;
    if (task.on_channel() || channel.own == nullptr) cut_channel(c);
    (task.on_channel() ? channel.own : channel.stream) = nullptr;
  }
  if (task.beside_banks()) return;
  if (--npu_tasks_left_ == 0) npu_free_at_last_task_ = executors_.npu->times_until_now().free;
  if (!mixed_ || task.kind == TaskKind::barrier) return;
  cut_npu();
  on_npu_.erase(id);
}

PhaseParts BlockTimes::end_channel(std::size_t index) {
  Channel& channel = channels_[index];
  cut_channel(index);
  TimeParts& last = channel.parts[phase_index(block_->phase)];
  last.idle = channel.sample.times.free - channel.free_at_last_touch;
  last.dependency -= last.idle;
  return channel.parts;
}

PhaseParts BlockTimes::end_npu() {
  cut_npu();
  TimeParts& last = npu_parts_[phase_index(block_->phase)];
  last.idle = npu_sample_.free - npu_free_at_last_task_;
  last.dependency -= last.idle;
  return npu_parts_;
}

}  // namespace bondsim
