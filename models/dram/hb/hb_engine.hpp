#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "models/base/clock.hpp"
#include "models/dram/spec/hb_config.hpp"
#include "models/dram/spec/timing_rules.hpp"
#include "models/dram/timing/channel_output.hpp"
#include "models/dram/timing/port_timing.hpp"

namespace bondsim {

/// The banks behind their HB ports in NMP mode: transfers in the order submitted, row by row. Plain rules without a kernel: the plan of a
/// row (when it is opened, when its accesses come) is arithmetic, its commands are counted and recorded as time passes them.
///
/// Banks move in lanes. `all_bank`: one lane, all banks of a transfer activate together; those with fewer bytes idle at its end. Transfers
/// follow one another, so work that is done at the same time is one transfer. `staggered`: a lane a bank, under tRRD and tFAW. Where banks
/// are refreshed in turns (REFpb), those of a turn are a lane: they open their rows in their own time while others are refreshed. Commands
/// to rows come on edges of CK, accesses follow each other every access time from the first possible moment on. `subarray_overlap`: rows of
/// even and odd number lie in different subarrays, and the next row is opened once the accesses of the present one begin.
///
/// Between the bus and the buffers of the PEs (`bus_bytes`, hb_bus.cpp) data come once all lanes have ended what was submitted before, and
/// hold up what follows: PEs in the die compute on columns as they come, so that the input must be there.
///
/// Ranks and pseudo channels are banks like the others: ACT, PREA and REFab reach them all at once. Their windows are their own, so several
/// are not `staggered`, nor refreshed in turns.
///
/// Refresh (hb_refresh.cpp) comes at the first row boundary after it is due, or as many intervals later as the controller postpones it;
/// banks without work are refreshed when it is due, or as many intervals ahead as it pulls it in.
class HbEngine {
 public:
  /// No time of a run, and no overflow when times are added to it.
  static constexpr std::int64_t far_away = INT64_MAX / 4;

  HbEngine(const DramConfig& dram, const ControllerConfig& controller, const BankPorts& nmp, const ChannelSwitches& switches,
           const std::vector<TimingRule>& rules, const Clock& clock);

  void submit(const HbTransfer& transfer, Picoseconds now, ChannelOutput& output);

  /// NMP mode begins: all banks are closed, and may be activated and refreshed from the times given on.
  void enter(Picoseconds now, Picoseconds activate, Picoseconds refresh);

  bool idle() const { return jobs_.empty(); }
  /// End of the last access planned; nothing is under way after it once idle().
  Picoseconds quiet_at() const;
  /// First time at which every bank may be activated once it is closed.
  Picoseconds activate_ready() const;
  /// First time at which all banks can be closed, no earlier than `t`; closing them; when they are precharged and refreshed.
  Picoseconds precharge_ready(Picoseconds t) const;
  Picoseconds precharge_all(Picoseconds t, std::int32_t op, ChannelOutput& output);

  /// Next time at which something is decided (refresh of idle banks included).
  Picoseconds next(const ChannelOutput& output) const;
  /// Next time at which a command comes that is decided already.
  Picoseconds next_command() const;
  /// Decides what is due at next(). Whole rows that repeat the one before are taken together as far as `limit`.
  void step(ChannelOutput& output, Picoseconds limit);
  /// Counts and records the commands up to and including `t`; what is decided until then must have been decided.
  void emit(Picoseconds t, ChannelOutput& output);

 private:
  using Ps = std::int64_t;
  /// Rows of a bank that may be open at a time: one a subarray.
  struct Bank {
    std::array<std::int32_t, 2> row{-1, -1};
    std::array<Ps, 2> pre_ready{0, 0};
    std::array<Ps, 2> act_ready{0, 0};
    Ps column_ready = 0;  ///< tRCD of the last row opened
    Ps read_ready = 0;    ///< after a write
  };
  struct Job {
    HbTransfer transfer;
    std::uint64_t longer = 0;   ///< banks with the extent's most bytes
    std::uint64_t shorter = 0;  ///< its other banks
    Ps submitted = 0;
    std::int32_t lanes_left = 0;
    Ps end = 0;
  };
  enum class Phase : std::uint8_t { decide, activate };
  struct Lane {
    Phase phase = Phase::decide;
    Ps at = 0;     ///< of its next decision or ACT
    Ps asked = 0;  ///< first time at which its last ACT could have come but for other banks
    std::uint64_t banks = 0;
    std::int32_t turn = 0;    ///< of the refreshes
    Ps column_end = 0;        ///< end of the accesses planned so far
    std::size_t job = 0;      ///< number of the job it is in, or waits for
    std::int64_t row = -1;    ///< row it is in; -1: not begun
    std::uint64_t opens = 0;  ///< banks to activate
  };
  /// State that repeats from row to row, relative to the end of the accesses.
  struct RowState {
    Ps column_end = 0;
    Ps pre_ready = 0, act_ready = 0, column_ready = 0, settled = 0;
    bool whole = false;  ///< all banks had a whole row
    bool repeats(const RowState& before, Ps clock_period) const {
      return whole && before.whole && pre_ready == before.pre_ready && act_ready == before.act_ready &&
             column_ready == before.column_ready && settled == before.settled && (column_end - before.column_end) % clock_period == 0;
    }
  };
  /// A lane's accesses in one row.
  struct RowShare {
    std::uint64_t longer = 0;   ///< banks with `count` accesses
    std::uint64_t shorter = 0;  ///< banks with `short_count` accesses
    std::int64_t count = 0;
    std::int64_t short_count = 0;
    std::int32_t first = 0;    ///< first access in the row
    std::int64_t passes = 1;   ///< times the columns are accessed
    std::int64_t pace_ps = 0;  ///< from access to access
    std::int64_t accesses() const { return count * passes; }
    /// Accesses of a shorter bank among the first `n` of the row.
    std::int64_t short_accesses(std::int64_t n) const { return count > 0 ? n / count * short_count + std::min(n % count, short_count) : 0; }
  };
  /// The refresh that comes next, or the one that refresh management asks for.
  struct NextRefresh {
    bool any = false;
    bool by_rfm = false;
    std::int32_t turn = 0;
    std::uint64_t banks = 0;
    std::uint64_t full = 0;  ///< banks that take no activate before a RFM or REF
    Ps idle_from = 0;        ///< for banks without work
    Ps due = 0;              ///< from then on, put off by busy_delay(), no row of the banks is begun
  };
  /// What comes next: a lane's decision, or a step towards a refresh where that is no later.
  struct Decision {
    std::size_t lane = 0;
    Ps lane_at = 0;
    Ps refresh_at = 0;
    NextRefresh refresh;
    Ps at() const { return std::min(lane_at, refresh_at); }
  };
  /// Banks closed for a REFpb that has not come yet.
  struct PendingRefresh {
    bool any = false;
    bool by_rfm = false;
    std::uint64_t banks = 0;
    Ps at = 0;
  };
  struct RowCommand {
    Ps time;
    DramCommand command;
    std::uint64_t banks;
    std::int32_t row;
    std::int32_t op;
  };
  /// Bursts between the bus and the buffers.
  struct BusTrain {
    Ps first;
    std::int64_t bursts;
    std::int32_t op;
    bool write;
    std::int64_t emitted;
  };
  struct Train {
    Ps first;
    RowShare share;
    std::int32_t row;
    std::int32_t op;
    bool write;
    std::int64_t emitted;
  };

  Ps edge(Ps t) const { return clock_.edge(clock_.edge_at_or_after(Picoseconds(t))).value; }
  /// `cycles` of CK after the edge `t`.
  Ps after(Ps t, Cycle cycles) const { return clock_.edge(clock_.edge_before_or_at(Picoseconds(t)) + cycles).value; }
  std::size_t subarray(std::int64_t row) const { return overlap_ ? static_cast<std::size_t>(row & 1) : 0; }
  bool has_work(const Lane& lane) const { return lane.job < first_job_ + jobs_.size(); }
  const Job& job_of(const Lane& lane) const { return jobs_[lane.job - first_job_]; }
  static std::int64_t bytes_of(const Lane& lane, const Job& job);
  void skip_others(std::size_t lane);
  RowShare share_of(const Lane& lane, const Job& job, std::int64_t row) const;
  std::uint64_t banks_to_open(const RowShare& share, std::int64_t row) const;
  Ps time_of(const Lane& lane) const;
  const Decision& decision(const ChannelOutput& output) const;
  NextRefresh next_refresh(const ChannelOutput& output) const;
  Ps busy_from(const Lane& lane, const NextRefresh& refresh) const;
  bool waits_for_refresh(const Lane& lane, const NextRefresh& refresh) const;
  Ps refresh_time(const NextRefresh& refresh) const;
  void begin_row(std::size_t lane, ChannelOutput& output, Ps limit);
  void close_rows(std::uint64_t banks, std::size_t sub, Ps t, std::int32_t op);
  void activate(std::size_t lane, ChannelOutput& output, Ps limit);
  void plan_columns(std::size_t lane, ChannelOutput& output, Ps limit);
  void end_share(std::size_t lane, ChannelOutput& output);
  void end_jobs(ChannelOutput& output);
  bool all_lanes_at(std::size_t job) const;
  void move_over_bus(ChannelOutput& output);
  void repeat_rows(const RowShare& share, std::int64_t last_row, Ps limit, ChannelOutput& output);
  RowState row_state(const RowShare& share) const;
  void refresh_all(const Decision& decided, ChannelOutput& output);
  void close_for_refresh(const NextRefresh& refresh, Ps t);
  void refresh_bank(ChannelOutput& output);
  std::int32_t present_op() const { return jobs_.empty() ? -1 : jobs_.front().transfer.op; }
  Ps last_act() const { return last_acts_[(oldest_act_ + 3) % 4]; }
  Ps rank_act_ready() const;
  std::int64_t open_rows() const;
  void emit_rows(Ps t, ChannelOutput& output);
  void emit_train(Train& train, Ps t, ChannelOutput& output) const;
  void emit_bus_train(BusTrain& train, Ps t, ChannelOutput& output) const;

  const DramConfig* dram_;
  Clock clock_;
  Ps access_ps_ = 0;
  std::int64_t access_bytes_ = 0;
  bool staggered_ = false;
  std::int32_t ranks_ = 1;  ///< of all pseudo channels: commands to all banks go to each
  bool per_bank_ = false;   ///< refresh is REFpb
  bool separate_ = false;   ///< several lanes
  bool overlap_ = false;
  bool row_timing_ = true;
  PortCycles n_;
  BusCycles bus_;
  PortTiming timing_;
  std::vector<Bank> banks_;
  std::vector<Lane> lanes_;
  std::vector<Job> jobs_;
  std::size_t first_job_ = 0;  ///< number of jobs_[0]
  std::array<Ps, 4> last_acts_{};
  std::size_t oldest_act_ = 0;
  Ps last_end_ = 0;
  Ps settled_ = 0;  ///< banks closed so far are precharged, refresh has ended
  Ps closed_ = 0;   ///< from PRE to ACT1 of the row opened last, while no other row was open
  Ps decided_ = 0;  ///< time of the last decision
  Ps refresh_period_ = 0;
  std::int32_t turns_ = 1;  ///< refresh commands in which every bank has had its turn
  Ps refresh_ready_ = 0;    ///< no refresh before: that of normal mode has ended
  Ps last_refpb_ = 0;       ///< negative: none in this mode
  PendingRefresh pending_;
  mutable Decision next_;  ///< kept from next() to step()
  mutable bool next_known_ = false;
  RowState last_row_state_;  ///< of the lane all banks share
  std::vector<RowCommand> rows_;
  std::vector<Train> trains_;
  std::vector<BusTrain> bus_trains_;
};

}  // namespace bondsim
