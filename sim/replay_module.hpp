#pragma once
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <systemc>
#include <vector>

#include "models/schedule/schedule.hpp"
#include "models/schedule/simulation_listener.hpp"
#include "models/schedule/task_listener.hpp"
#include "sim/block_times.hpp"
#include "sim/busy_meter.hpp"
#include "sim/executors.hpp"
#include "sim/ledger.hpp"
#include "sim/task_recorder.hpp"

namespace bondsim {

/// Runs a Schedule: hands each executor its tasks in the schedule's order as their dependencies end, block by block, and books what
/// each block took. Decides nothing.
class Replay : public sc_core::sc_module, public TaskListener {
 public:
  using Progress = std::function<void(const Block&)>;
  using Energy = std::function<void(const Block&, Attojoules)>;

  Replay(sc_core::sc_module_name name, ScheduleSource& source, Ledger& ledger, Results& results, bool overlap, Progress progress);

  void bind(Executors executors);
  /// @param sink is told of each block's tasks; null: nobody
  void record_tasks(SimulationListener* sink);
  void tell_energy(Energy energy) { energy_ = std::move(energy); }
  void task_done(std::int32_t task) override;

  /// After the kernel has run dry. @throws InfeasibleError naming the tasks that never ran, when the schedule does not end.
  void check_complete() const;

 private:
  struct State {
    std::int32_t waits_for = 0;  ///< dependencies that have not ended
    bool started = false;
    bool ended = false;
  };
  struct Span {
    bool used = false;
    Picoseconds start, end;
  };

  void wake();
  bool begin_block();
  bool next_block();
  void prepare_tasks();
  void dispatch();
  bool try_start(std::size_t executor);
  void start_vectors(std::size_t executor);
  bool may_start(std::int32_t id) const;
  void start(std::int32_t id);
  void begin_work(std::int32_t id);
  void await_delay();
  void end_delays();
  void end(std::int32_t id);
  void end_block();
  void book_channels(Picoseconds length, std::int64_t repeat);
  void book_npu(Picoseconds length, std::int64_t repeat);
  void book_busy(Picoseconds length, std::int64_t repeat);
  void book_phases(const BusyTimes& times, std::int64_t repeat);
  void book_requests();
  void pause_until(Picoseconds run_time);
  std::size_t queue_of(const Task& task) const;
  Picoseconds now() const;

  ScheduleSource& source_;
  std::exception_ptr failure_;  ///< thrown by the source
  Ledger& ledger_;
  Results& results_;
  bool overlap_;
  Progress progress_;
  Energy energy_;
  Executors executors_;
  std::unique_ptr<TaskRecorder> recorder_;  ///< null when nobody asks
  sc_core::sc_event wakeup_;
  sc_core::sc_event delay_end_;
  std::multimap<Picoseconds, std::int32_t> delayed_;  ///< started tasks, by when their work begins

  Block block_;
  bool running_ = false;
  bool complete_ = false;
  Picoseconds block_start_;
  std::size_t left_ = 0;
  std::int32_t running_op_ = -1;  ///< without overlap: the operator whose tasks run
  std::int32_t running_tasks_ = 0;
  std::vector<State> states_;
  std::vector<std::vector<std::int32_t>> successors_;
  std::vector<std::vector<std::int32_t>> queues_;  ///< by executor: channels, arrays, vector units
  std::vector<std::size_t> heads_;
  std::vector<std::int32_t> ready_barriers_;  ///< end at once, in any order
  std::vector<std::int32_t> done_;            ///< ended, to be handled in wake()
  std::vector<Span> spans_;                   ///< by operator
  std::vector<BusyMeter> busy_;               ///< by executor that takes time: channels, arrays, vector units; then the run's

  std::optional<BlockTimes> times_;
  std::vector<std::vector<ChannelCounts>> counts_;  ///< by channel, operator + 1: at the last block's end
  std::vector<Picoseconds> rows_open_;              ///< by channel, time with a row open until the last block's end
  std::optional<Block> after_pause_;                ///< the block that waits for its time
  Picoseconds pause_end_;                           ///< in kernel time
  std::map<std::int32_t, std::size_t> requests_;    ///< request: its row in the results
};

}  // namespace bondsim
