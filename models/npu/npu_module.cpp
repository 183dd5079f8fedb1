#include "models/npu/npu_module.hpp"

#include <algorithm>

namespace bondsim {
namespace {

constexpr int chunk_bits = 24;
constexpr std::int32_t double_buffering = 2;

sc_core::sc_time span(Picoseconds t) { return sc_core::sc_time::from_value(static_cast<std::uint64_t>(t.value)); }

}  // namespace

Npu::Npu(sc_core::sc_module_name name, const NpuConfig& config, int channel_count, int access_bytes, bool vector_time,
         TaskListener& listener)
    : sc_module(name),
      channels("channels", static_cast<std::size_t>(channel_count)),
      config_(config),
      clock_(Clock::from_khz(config.clock_mhz * 1000LL)),
      access_bytes_(access_bytes),
      vector_time_(vector_time),
      listener_(listener) {
  SC_HAS_PROCESS(Npu);
  SC_METHOD(wake);
  sensitive << wakeup_;
  dont_initialize();
  SC_METHOD(end_compute);
  sensitive << compute_end_;
  dont_initialize();
  SC_METHOD(end_vector);
  sensitive << vector_end_;
  dont_initialize();
}

Picoseconds Npu::now() const { return Picoseconds(static_cast<std::int64_t>(sc_core::sc_time_stamp().value())); }

/// Books the time since the last change of state.
void Npu::account() {
  const Picoseconds elapsed = now() - accounted_;
  accounted_ = now();
  if (gemm_.computing) {
    times_.compute += elapsed;
  } else if (!vector_ends_.empty()) {
    times_.vector += elapsed;
  } else if (transfers_in_flight_ > 0) {
    times_.host_transfer += elapsed;
  } else {
    times_.free += elapsed;
  }
}

void Npu::tell() const {
  if (observer_ == nullptr) return;
  observer_->npu_changed({gemm_.computing, static_cast<std::int64_t>(vector_ends_.size()), transfers_in_flight_});
}

NpuTimes Npu::times_until_now() {
  account();
  return times_;
}

void Npu::start(std::int32_t id, const Task& task) {
  account();
  switch (task.kind) {
    case TaskKind::npu_gemm:
      check(gemm_.id < 0, "npu_gemm {} started while {} runs", id, gemm_.id);
      gemm_ = GemmJob{};
      gemm_.id = id;
      gemm_.task = &task;
      gemm_.total_cycles = gemm_cycles(task.npu.shape, task.npu.bits, config_);
      break;
    case TaskKind::npu_vector:
      start_vector(id, task.vector);
      return;
    default: {
      const int transfers = submit(id, 0, task.op, task.extents, task.kind != TaskKind::host_load);
      if (transfers == 0) {
        finished_at_once_.push_back(id);
      } else {
        moves_[id] = transfers;
      }
      tell();
    }
  }
  wakeup_.notify(sc_core::SC_ZERO_TIME);
}

/// @return how many transfers there are; none for extents without bytes.
int Npu::submit(std::int32_t id, std::int32_t chunk, std::int32_t op, const std::vector<Extent>& extents, bool write) {
  int transfers = 0;
  for (const Extent& extent : extents) {
    if (extent.bytes() == 0) continue;
    HostTransfer transfer;
    transfer.extent = extent;
    transfer.write = write;
    transfer.op = op;
    transfer.tag = (static_cast<std::uint64_t>(id) << chunk_bits) | static_cast<std::uint64_t>(chunk);
    channels[static_cast<std::size_t>(extent.channel)]->submit(transfer);
    ++transfers;
  }
  transfers_in_flight_ += transfers;
  return transfers;
}

void Npu::host_transfer_done(int channel, std::uint64_t tag) {
  ended_.emplace_back(channel, tag);
  wakeup_.notify(sc_core::SC_ZERO_TIME);
}

void Npu::wake() {
  ++events_;
  account();
  std::sort(ended_.begin(), ended_.end());
  for (const auto& end : ended_) on_transfer_end(end.second);
  ended_.clear();
  std::vector<std::int32_t> at_once;
  at_once.swap(finished_at_once_);
  for (const std::int32_t id : at_once) finish(id);
  advance_gemm();
  tell();
}

void Npu::on_transfer_end(std::uint64_t tag) {
  const auto id = static_cast<std::int32_t>(tag >> chunk_bits);
  const auto chunk = static_cast<std::int32_t>(tag & ((1U << chunk_bits) - 1));
  --transfers_in_flight_;
  if (id == gemm_.id) {
    --gemm_.outstanding.at(chunk);
    return;
  }
  const auto move = moves_.find(id);
  check(move != moves_.end(), "transfer of task {} ended, which moves nothing", id);
  if (--move->second > 0) return;
  moves_.erase(move);
  finish(id);
}

void Npu::load_chunk(std::int32_t chunk) {
  const NpuGemm& gemm = gemm_.task->npu;
  std::vector<Extent> pieces;
  for (const Extent& extent : gemm.stationary) {
    const std::int64_t bytes = extent.max_bytes_per_bank();
    const auto position = [&](std::int32_t i) {
      if (i >= gemm.chunks) return bytes;
      return std::min(bytes, ceil_div(bytes * i / gemm.chunks, static_cast<std::int64_t>(access_bytes_)) * access_bytes_);
    };
    pieces.push_back(extent.slice(position(chunk), position(chunk + 1)));
  }
  gemm_.outstanding[chunk] = submit(gemm_.id, chunk, gemm_.task->op, pieces, false);
}

void Npu::advance_gemm() {
  if (gemm_.id < 0) return;
  const std::int32_t chunks = gemm_.task->npu.chunks;
  while (gemm_.next_load < chunks && gemm_.next_load < gemm_.next_compute + double_buffering) load_chunk(gemm_.next_load++);
  if (gemm_.computing || gemm_.outstanding.at(gemm_.next_compute) > 0) return;
  account();
  gemm_.computing = true;
  const std::int64_t before = gemm_.total_cycles * gemm_.next_compute / chunks;
  const std::int64_t after = gemm_.total_cycles * (gemm_.next_compute + 1) / chunks;
  const Picoseconds end = clock_.edge(clock_.edge_at_or_after(now()) + after - before);
  compute_end_.notify(span(end - now()));
}

void Npu::end_compute() {
  ++events_;
  account();
  gemm_.computing = false;
  tell();
  gemm_.outstanding.erase(gemm_.next_compute);
  if (++gemm_.next_compute == gemm_.task->npu.chunks) {
    const std::int32_t id = gemm_.id;
    gemm_.id = -1;
    finish(id);
    return;
  }
  wakeup_.notify(sc_core::SC_ZERO_TIME);
}

void Npu::start_vector(std::int32_t id, const VectorWork& work) {
  const std::int64_t cycles = vector_time_ ? vector_cycles(vector_operations(work, config_), work.units, config_) : 0;
  const Picoseconds end = cycles > 0 ? clock_.edge(clock_.edge_at_or_after(now()) + cycles) : now();
  check(vector_ends_.emplace(id, end).second, "npu_vector {} started twice", id);
  schedule_vector_end();
  tell();
}

void Npu::schedule_vector_end() {
  if (vector_ends_.empty()) return;
  Picoseconds first = vector_ends_.begin()->second;
  for (const auto& task : vector_ends_) first = std::min(first, task.second);
  vector_end_.cancel();
  vector_end_.notify(span(first - now()));
}

void Npu::end_vector() {
  ++events_;
  account();
  std::vector<std::int32_t> ended;
  for (const auto& task : vector_ends_) {
    if (task.second <= now()) ended.push_back(task.first);
  }
  for (const std::int32_t id : ended) vector_ends_.erase(id);
  schedule_vector_end();
  tell();
  for (const std::int32_t id : ended) finish(id);
}

void Npu::finish(std::int32_t id) { listener_.task_done(id); }

}  // namespace bondsim
