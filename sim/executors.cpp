#include "sim/executors.hpp"

#include <algorithm>

namespace bondsim {

std::vector<std::size_t> channels_of(const Task& task) {
  std::vector<std::size_t> touched;
  if (task.on_channel()) touched.push_back(static_cast<std::size_t>(task.channel()));
  for (const Extent& extent : task.npu.stationary) touched.push_back(static_cast<std::size_t>(extent.channel));
  std::sort(touched.begin(), touched.end());
  touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
  return touched;
}

ChannelSample sample_channel(const Executors& executors, std::size_t channel) {
  ChannelSample sample;
  sample.times = executors.channels[channel]->times_until_now();
  if (executors.nmp[channel] != nullptr) sample.nmp = executors.nmp[channel]->times();
  return sample;
}

TimeParts parts_between(const ChannelSample& before, const ChannelSample& after) {
  const ChannelTimes hidden = after.nmp.hidden - before.nmp.hidden;
  const ChannelTimes seen = after.times - before.times - hidden;
  TimeParts parts;
  parts.compute = after.nmp.compute - before.nmp.compute;
  parts.buffer_wait = after.nmp.buffer_wait - before.nmp.buffer_wait;
  parts.column = seen.column;
  parts.row = seen.row + seen.host_row;
  parts.refresh = seen.refresh;
  parts.mode_switch = seen.mode_switch;
  parts.host_transfer = seen.host_transfer;
  parts.dependency = seen.free;
  return parts;
}

TimeParts parts_between(const NpuTimes& before, const NpuTimes& after) {
  TimeParts parts;
  parts.compute = after.compute - before.compute;
  parts.vector = after.vector - before.vector;
  parts.host_transfer = after.host_transfer - before.host_transfer;
  parts.dependency = after.free - before.free;
  return parts;
}

}  // namespace bondsim
