#pragma once
#include <cstdint>
#include <map>
#include <systemc>
#include <utility>
#include <vector>

#include "models/base/clock.hpp"
#include "models/dram/channel/channel.hpp"
#include "models/npu/config.hpp"
#include "models/npu/rules.hpp"
#include "models/npu/state.hpp"
#include "models/schedule/schedule.hpp"
#include "models/schedule/simulation_listener.hpp"
#include "models/schedule/task_listener.hpp"

namespace bondsim {

/// Where the NPU's time went; exclusive, in this order of precedence, and the parts sum to the time asked for.
struct NpuTimes {
  Picoseconds compute;        ///< systolic arrays busy
  Picoseconds vector;         ///< only vector units busy
  Picoseconds host_transfer;  ///< only DMA busy
  Picoseconds free;
};

/// The NPU: systolic arrays, vector units and a DMA that moves everything between the scratchpad and the channels.
/// The arrays run one npu_gemm at a time, a vector unit one npu_vector; host_scatter, host_load and kv_append go to the DMA.
/// The stationary operand of an npu_gemm comes in chunks, at most two in flight or waiting (double buffering).
class Npu : public sc_core::sc_module {
 public:
  sc_core::sc_vector<sc_core::sc_port<ChannelPort>> channels;

  Npu(sc_core::sc_module_name name, const NpuConfig& config, int channel_count, int access_bytes, bool vector_time, TaskListener& listener);

  /// Begins a task at the present time. The task must stay valid until task_done.
  void start(std::int32_t id, const Task& task);

  /// From a channel: a transfer of this NPU has ended.
  void host_transfer_done(int channel, std::uint64_t tag);

  /// @param observer is told of changes; null: nobody
  void observe(SimulationListener* observer) { observer_ = observer; }

  NpuTimes times_until_now();
  std::int64_t events() const { return events_; }

 private:
  /// An npu_gemm on the arrays.
  struct GemmJob {
    std::int32_t id = -1;
    const Task* task = nullptr;
    std::int64_t total_cycles = 0;
    std::int32_t next_load = 0;               ///< first chunk not asked for
    std::int32_t next_compute = 0;            ///< first chunk not computed
    std::map<std::int32_t, int> outstanding;  ///< chunk: transfers that have not ended
    bool computing = false;
  };

  void wake();
  void on_transfer_end(std::uint64_t tag);
  void advance_gemm();
  void load_chunk(std::int32_t chunk);
  int submit(std::int32_t id, std::int32_t chunk, std::int32_t op, const std::vector<Extent>& extents, bool write);
  void end_compute();
  void start_vector(std::int32_t id, const VectorWork& work);
  void schedule_vector_end();
  void end_vector();
  void finish(std::int32_t id);
  void account();
  void tell() const;
  Picoseconds now() const;

  NpuConfig config_;
  Clock clock_;
  int access_bytes_;
  bool vector_time_;
  TaskListener& listener_;
  SimulationListener* observer_ = nullptr;
  sc_core::sc_event wakeup_;
  sc_core::sc_event compute_end_;
  sc_core::sc_event vector_end_;

  std::vector<std::pair<int, std::uint64_t>> ended_;  ///< (channel, tag) of transfers that ended and wait for wake()
  std::vector<std::int32_t> finished_at_once_;        ///< tasks without any work
  GemmJob gemm_;
  std::map<std::int32_t, Picoseconds> vector_ends_;  ///< npu_vector tasks that run, on disjoint units (the caller's care), and their ends
  std::map<std::int32_t, int> moves_;                ///< host task: transfers that have not ended
  std::int64_t transfers_in_flight_ = 0;

  NpuTimes times_;
  Picoseconds accounted_;
  std::int64_t events_ = 0;
};

}  // namespace bondsim
