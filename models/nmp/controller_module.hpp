#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <systemc>
#include <vector>

#include "models/base/clock.hpp"
#include "models/dram/channel/channel.hpp"
#include "models/nmp/state.hpp"
#include "models/nmp/tile_buffers.hpp"
#include "models/nmp/tile_program.hpp"
#include "models/schedule/schedule.hpp"
#include "models/schedule/simulation_listener.hpp"
#include "models/schedule/task_listener.hpp"

namespace bondsim {

/// Times of a PE array, which cover a channel's own: while PEs compute the time is theirs, whatever the banks do meanwhile.
struct NmpTimes {
  Picoseconds compute;
  Picoseconds buffer_wait;  ///< neither PEs nor banks can go on: buffers are full or empty, clocks align
  ChannelTimes hidden;      ///< the part of the channel's times that lies under `compute` or `buffer_wait`
};

/// The NMP controller of a channel with its PE array: takes one nmp_gemm at a time, changes the channel's mode, unpacks the loop nest into
/// buffer movements and computations, and keeps no more in flight than the buffers hold. Where nobody watches the banks or the controller,
/// a task is unpacked to its end at once, ahead of the kernel, which then sees its begin and its end alone.
class NmpController : public sc_core::sc_module {
 public:
  sc_core::sc_port<ChannelPort> channel;

  NmpController(sc_core::sc_module_name name, const NmpConfig& config, bool finite_buffers, TaskListener& listener);

  /// Begins a task at the present time. One at a time: the caller waits for task_done.
  /// @param task an nmp_gemm or nmp_vector, by its number
  void start(std::int32_t number, const Task& task);

  /// From the channel.
  void hb_transfer_done(std::uint64_t tag);
  void mode_reached(ChannelMode mode);

  /// @param observer is told of changes, as of channel `channel`; null: nobody
  void observe(SimulationListener* observer, int channel);

  /// Sums until the last end of a computation or task.
  const NmpTimes& times() const { return times_; }
  std::int64_t events() const { return events_; }

 private:
  /// Weights loading or loaded, not yet computed.
  struct Piece {
    std::uint64_t loaded_by = 0;  ///< HB transfer whose end completes the load
    TileSpan span;
    TileStep store;  ///< follows the piece when it closes a tile
  };

  void begin_task();
  void wake();
  void go_on();
  void run_ahead();
  void wake_at_end();
  void fetch();
  void issue(TileStep& step);
  std::uint64_t submit(const TileStep& step, bool write, const ColumnReads& reads);
  void submit(HbTransfer transfer, bool write);
  void start_compute();
  void end_of_compute();
  void end_compute();
  bool complete() const { return pending_->kind == TileStep::Kind::end && pieces_.empty() && ended_ == submitted_; }
  void book_waits();
  void finish();
  void request_mode(ChannelMode mode);
  void tell() const;
  Picoseconds now() const;
  ChannelTimes channel_times() { return ahead_ != nullptr ? ahead_->times_at(now()) : channel->times_until_now(); }

  NmpConfig config_;
  bool finite_buffers_;
  Clock pe_clock_;
  TaskListener& listener_;
  SimulationListener* observer_ = nullptr;
  int channel_index_ = -1;
  sc_core::sc_event wakeup_;
  sc_core::sc_event compute_end_;
  sc_core::sc_event task_end_;

  ChannelMode mode_ = ChannelMode::normal;  ///< as last asked for
  bool mode_reached_ = true;

  std::int32_t task_ = -1;
  std::int32_t op_ = -1;
  bool leave_mode_ = true;
  bool running_ = false;
  std::optional<TileProgram> program_;
  std::optional<TileStep> pending_;  ///< the step that waits for buffer space
  std::deque<Piece> pieces_;
  std::deque<std::uint64_t> stores_;  ///< transfers that free an output slot when they end
  bool computing_ = false;
  BanksAhead* ahead_ = nullptr;  ///< the banks while a task is run ahead of the kernel
  Picoseconds ahead_now_;        ///< present time there
  int deltas_to_end_ = 0;
  TileBuffers buffers_;
  std::uint64_t submitted_ = 0;  ///< HB transfers so far; they end in order
  std::uint64_t ended_ = 0;

  NmpTimes times_;
  ChannelTimes compute_began_;
  Picoseconds compute_start_, compute_end_at_;
  Picoseconds task_free_began_;
  Picoseconds task_hidden_free_;
  std::int64_t events_ = 0;
};

}  // namespace bondsim
