#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "models/dram/host/host_controller.hpp"
#include "models/schedule/simulation_listener.hpp"
#include "models/system/system.hpp"

namespace bondsim {

/// Times and counts of one channel that has served a list of requests.
struct DramRunResult {
  std::string system;
  std::int64_t requests = 0;
  std::int64_t reads = 0;
  std::int64_t writes = 0;
  std::int64_t forwarded = 0;  ///< reads served from the write queue
  std::int64_t row_hits = 0, row_misses = 0, row_conflicts = 0;
  double time_ns = 0;      ///< until the last data beat
  double accepted_ns = 0;  ///< until the last request entered the controller
  double bandwidth_gbps = 0;
  double peak_gbps = 0;
  double read_latency_mean_ns = 0, read_latency_p50_ns = 0, read_latency_p99_ns = 0;
  ChannelCounts counts;
  ChannelTimes times;
  Attojoules act, rd, wr, ref, background, io, estimated;
  std::uint64_t kernel_events = 0;
};

/// Drives one channel of `system` with requests and nothing else. SystemC elaborates once a process: call this once, or through
/// run_isolated(). @param sink where its commands are traced to, or null.
DramRunResult run_dram(const System& system, int channel, const std::vector<ListedRequest>& requests, SimulationListener* sink);

/// `bondsim.dram/1` results as JSON, and as a few lines to read.
std::string dram_json(const DramRunResult& result);
std::string dram_summary(const DramRunResult& result);

}  // namespace bondsim
