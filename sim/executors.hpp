#pragma once
#include <cstddef>
#include <vector>

#include "models/dram/channel/channel.hpp"
#include "models/nmp/controller_module.hpp"
#include "models/npu/npu_module.hpp"
#include "models/results/results.hpp"
#include "models/schedule/schedule.hpp"

namespace bondsim {

/// The executors of a system as replay uses them; built by SystemBuilder. nmp[i] is null for a normal channel.
struct Executors {
  Npu* npu = nullptr;
  std::vector<ChannelPort*> channels;
  std::vector<NmpController*> nmp;
};

/// Channels whose banks or bus a task uses, in order, each once: its executor, and those an npu_gemm streams from.
std::vector<std::size_t> channels_of(const Task& task);

/// A channel's times since time 0. Exact where no computation of its PEs is under way: at the ends of its tasks.
struct ChannelSample {
  ChannelTimes times;
  NmpTimes nmp;
};
ChannelSample sample_channel(const Executors& executors, std::size_t channel);

/// Exclusive parts of the time between two samples; they sum to it. Whether free time waits for others or has nothing left to wait for is
/// not the channel's to know: all of it is given as `dependency`.
TimeParts parts_between(const ChannelSample& before, const ChannelSample& after);
TimeParts parts_between(const NpuTimes& before, const NpuTimes& after);

}  // namespace bondsim
