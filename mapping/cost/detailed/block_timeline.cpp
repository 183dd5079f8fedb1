#include "mapping/cost/detailed/block_timeline.hpp"

#include <algorithm>
#include <utility>

namespace bondsim::cost {
namespace {

constexpr std::int32_t chunks_in_scratchpad = 2;

std::uint64_t unit_mask(const VectorWork& work) {
  if (work.units <= 0 || work.first_unit + work.units > 64) return ~std::uint64_t{0};
  return (work.units == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << work.units) - 1) << work.first_unit;
}

}  // namespace

BlockTimeline::BlockTimeline(const TaskTiming& timing, const Block& block, double start) : timing_(timing), block_(block) {
  for (const Task& task : block.tasks) {
    if (task.on_channel()) channel_count_ = std::max(channel_count_, static_cast<std::size_t>(task.channel()) + 1);
    for (const Extent& e : task.npu.stationary) channel_count_ = std::max(channel_count_, static_cast<std::size_t>(e.channel) + 1);
  }
  channels_.resize(channel_count_);
  for (Channel& c : channels_) c.due = timing.first_due(start);
  queues_.resize(channel_count_ + 3);
  heads_.assign(queues_.size(), 0);
  const std::size_t count = block.tasks.size();
  successors_.resize(count);
  started_.assign(count, false);
  ended_.assign(count, false);
  for (std::size_t i = 0; i < count; ++i) {
    const Task& task = block.tasks[i];
    waits_for_.push_back(static_cast<std::int32_t>(task.dependencies.size()));
    for (const std::int32_t d : task.dependencies) successors_[static_cast<std::size_t>(d)].push_back(static_cast<std::int32_t>(i));
    queues_[queue_of(task)].push_back(static_cast<std::int32_t>(i));
  }
}

double BlockTimeline::run() {
  for (std::size_t queue = 0; queue < queues_.size(); ++queue) try_start(queue);
  double last = 0;
  while (!events_.empty()) {
    const Event event = events_.top();
    events_.pop();
    if (event.what == What::bus && channels_[static_cast<std::size_t>(event.id)].version != event.version) continue;
    now_ = event.time;
    if (event.what != What::reopened) last = now_;
    switch (event.what) {
      case What::bus:
        bus_ended(event.id);
        break;
      case What::chunk_computed:
        stream_.computing = false;
        stream_.outstanding.erase(stream_.next_compute++);
        advance_stream();
        break;
      case What::vector_ended:
        end(event.id);
        break;
      case What::nmp_ended:
        nmp_ended(event.id);
        break;
      case What::reopened:
        reopen(event.id);
        break;
      case What::launched:
        begin_work(event.id);
    }
  }
  return last;
}

// ---- Tasks ------------------------------------------------------------------------------------------------------------------------

std::size_t BlockTimeline::queue_of(const Task& task) const {
  if (task.on_channel()) return static_cast<std::size_t>(task.channel());
  if (task.kind == TaskKind::npu_gemm) return channel_count_;
  return channel_count_ + (task.kind == TaskKind::npu_vector ? 1 : 2);
}

/// In the order of the block, one task of an executor at a time; barriers end as they start.
void BlockTimeline::try_start(std::size_t queue) {
  if (queue == channel_count_ + 1) return try_start_vectors();
  const auto& ids = queues_[queue];
  std::size_t& head = heads_[queue];
  while (head < ids.size()) {
    const auto at = static_cast<std::size_t>(ids[head]);
    if (ended_[at]) {
      ++head;
      continue;
    }
    if (started_[at] || waits_for_[at] > 0) return;
    start(ids[head]);
  }
}

/// In order on each vector unit.
void BlockTimeline::try_start_vectors() {
  const auto& ids = queues_[channel_count_ + 1];
  std::size_t& head = heads_[channel_count_ + 1];
  while (head < ids.size() && ended_[static_cast<std::size_t>(ids[head])]) ++head;
  std::uint64_t taken = 0;
  for (std::size_t i = head; i < ids.size() && ~taken != 0; ++i) {
    const auto at = static_cast<std::size_t>(ids[i]);
    if (ended_[at]) continue;
    const std::uint64_t units = unit_mask(block_.tasks[at].vector);
    if ((taken & units) == 0 && !started_[at] && waits_for_[at] == 0) start(ids[i]);
    taken |= units;
  }
}

void BlockTimeline::start(std::int32_t id) {
  const auto at = static_cast<std::size_t>(id);
  const Task& task = block_.tasks[at];
  started_[at] = true;
  if (task.delay.value == 0) return begin_work(id);
  schedule(now_ + static_cast<double>(task.delay.value), What::launched, id);
}

void BlockTimeline::begin_work(std::int32_t id) {
  const Task& task = block_.tasks[static_cast<std::size_t>(id)];
  switch (task.kind) {
    case TaskKind::barrier:
      return end(id);
    case TaskKind::npu_vector:
      return schedule(now_ + timing_.vector_ps(task.vector), What::vector_ended, id);
    case TaskKind::npu_gemm: {
      stream_ = Stream{};
      stream_.task = id;
      stream_.channels = timing_.streams_of(task.npu);
      stream_.compute = timing_.compute_ps(task.npu.shape, task.npu.bits) / static_cast<double>(task.npu.chunks);
      return advance_stream();
    }
    case TaskKind::nmp_gemm:
    case TaskKind::nmp_vector: {
      Channel& c = channels_[static_cast<std::size_t>(task.channel())];
      c.nmp = id;
      c.closed = true;
      if (!c.serving && !c.leaving) enter_nmp(task.channel());
      return;
    }
    default: {
      const bool write = task.kind != TaskKind::host_load;
      const double work = timing_.bus_ps(timing_.transfer(task.extents, write), 1);
      if (work <= 0) return end(id);
      submit(task.channel(), write, {work, id, -1});
    }
  }
}

void BlockTimeline::end(std::int32_t id) {
  const auto at = static_cast<std::size_t>(id);
  ended_[at] = true;
  const std::size_t own = queue_of(block_.tasks[at]);
  for (const std::int32_t s : successors_[at]) {
    if (--waits_for_[static_cast<std::size_t>(s)] > 0) continue;
    const std::size_t queue = queue_of(block_.tasks[static_cast<std::size_t>(s)]);
    if (queue == channel_count_ + 2) {
      if (!started_[static_cast<std::size_t>(s)]) start(s);
    } else {
      try_start(queue);
    }
  }
  if (own != channel_count_ + 2) try_start(own);
}

// ---- The bus of a channel -----------------------------------------------------------------------------------------------------------

void BlockTimeline::submit(std::int32_t channel, bool write, const Transfer& transfer) {
  Channel& c = channels_[static_cast<std::size_t>(channel)];
  if (c.closed) {
    c.held.emplace_back(write, transfer);
    return;
  }
  c.queues[write].push_back(transfer);
  if (!c.serving) {
    c.queues[write].back().work += timing_.latency_ps(write);
    serve(channel);
  } else if (write && !c.writes) {
    pause(c);
    serve(channel);
  }
}

/// Gives the bus to the first write, else to the first read.
void BlockTimeline::serve(std::int32_t channel) {
  Channel& c = channels_[static_cast<std::size_t>(channel)];
  c.serving = true;
  c.writes = !c.queues[1].empty();
  c.since = now_;
  double due = c.due;
  const double end = timing_.bus_end(c.queues[c.writes].front().work, now_, due);
  schedule(end, What::bus, channel, ++c.version);
}

/// Takes what has been served off the transfer that has the bus.
void BlockTimeline::pause(Channel& c) {
  Transfer& transfer = c.queues[c.writes].front();
  transfer.work = std::max(0.0, transfer.work - timing_.served_ps(c.since, now_, c.due));
}

void BlockTimeline::bus_ended(std::int32_t channel) {
  Channel& c = channels_[static_cast<std::size_t>(channel)];
  const Transfer transfer = c.queues[c.writes].front();
  c.queues[c.writes].pop_front();
  timing_.bus_end(transfer.work, c.since, c.due);
  c.used = true;
  c.wrote = c.writes;
  c.serving = !c.queues[0].empty() || !c.queues[1].empty();
  if (c.serving) serve(channel);
  if (transfer.chunk < 0) {
    end(transfer.task);
  } else if (--stream_.outstanding.at(transfer.chunk) == 0) {
    advance_stream();
  }
  if (!c.serving && c.nmp >= 0 && !c.running) enter_nmp(channel);
}

void BlockTimeline::enter_nmp(std::int32_t channel) {
  Channel& c = channels_[static_cast<std::size_t>(channel)];
  const double begin = c.in_nmp ? now_ : now_ + timing_.enter_ps(c.used, c.wrote);
  c.in_nmp = c.running = true;
  const Task& task = block_.tasks[static_cast<std::size_t>(c.nmp)];
  const HbTiming& hb = timing_.hb();
  const double end = task.kind == TaskKind::nmp_vector ? hb.vector_end(task.vector, task.nmp, begin, c.due)
                                                       : hb.gemm_end(share_of(task.nmp), begin, c.due);
  schedule(end, What::nmp_ended, channel);
}

void BlockTimeline::nmp_ended(std::int32_t channel) {
  Channel& c = channels_[static_cast<std::size_t>(channel)];
  const std::int32_t id = std::exchange(c.nmp, -1);
  c.used = c.wrote = c.running = false;
  c.leaving = block_.tasks[static_cast<std::size_t>(id)].nmp.leave_mode;
  if (c.leaving) schedule(now_ + timing_.leave_ps(), What::reopened, channel);
  end(id);
}

void BlockTimeline::reopen(std::int32_t channel) {
  Channel& c = channels_[static_cast<std::size_t>(channel)];
  c.in_nmp = c.leaving = false;
  if (c.nmp >= 0) return enter_nmp(channel);
  c.closed = false;
  for (auto held = std::exchange(c.held, {}); !held.empty(); held.pop_front()) submit(channel, held.front().first, held.front().second);
}

// ---- The stream of the arrays -----------------------------------------------------------------------------------------------------

void BlockTimeline::advance_stream() {
  if (stream_.task < 0) return;
  const NpuGemm& gemm = block_.tasks[static_cast<std::size_t>(stream_.task)].npu;
  for (; stream_.next_load < gemm.chunks && stream_.next_load < stream_.next_compute + chunks_in_scratchpad; ++stream_.next_load) {
    const std::int32_t chunk = stream_.next_load;
    stream_.outstanding[chunk] = static_cast<int>(stream_.channels.size());
    for (const auto& [channel, whole] : stream_.channels) {
      submit(channel, false, {timing_.bus_ps(whole, gemm.chunks), stream_.task, chunk});
    }
  }
  if (stream_.computing) return;
  if (stream_.next_compute == gemm.chunks) return end(std::exchange(stream_.task, -1));
  if (stream_.outstanding.at(stream_.next_compute) > 0) return;
  stream_.computing = true;
  schedule(now_ + stream_.compute, What::chunk_computed, stream_.task);
}

}  // namespace bondsim::cost
