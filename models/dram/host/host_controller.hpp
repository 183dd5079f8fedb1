#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "models/dram/host/host_memo.hpp"
#include "models/dram/spec/extent_cursor.hpp"
#include "models/dram/timing/channel_output.hpp"
#include "models/dram/timing/timing_state.hpp"

namespace bondsim {

/// One request of a list: a burst with an arrival time.
struct ListedRequest {
  BurstAddress at;
  bool write = false;
  Picoseconds arrival;  ///< no earlier than this; 0: as fast as the queue accepts
  std::uint64_t id = 0;
};

/// Requests in order, owned by whoever submitted them until they have ended.
struct RequestList {
  const ListedRequest* items = nullptr;
  std::size_t count = 0;
};

/// The controller of a channel's bus in normal mode: decides, cycle by cycle of CK, which request enters its queues and which
/// command goes to the banks. Plain rules without a kernel: run() decides everything up to a cycle. Copying it copies its state.
///
/// Policy: at most one request a cycle enters the queues; one command a cycle. First-ready first-come first-served over the command
/// each request needs next; a request whose row has been opened for it is served before all others and its row stays open
/// until then. Writes wait until their queue is more than 80 % full (or no read waits) and are served until it is below 20 %.
class HostController {
 public:
  HostController(const DramConfig& dram, const ControllerConfig& controller, const ChannelSwitches& switches,
                 const std::vector<TimingRule>& rules, const Clock& clock);

  /// Requests of `transfer` may enter from cycle `visible` on.
  void submit(const HostTransfer& transfer, Picoseconds submitted, Cycle visible);
  /// Likewise for a list; the requests are charged to `op`.
  void submit(const RequestList& list, std::int32_t op, std::uint64_t tag, Picoseconds submitted, Cycle visible);

  /// Next cycle at which anything may be decided.
  Cycle next() const { return next_; }
  /// First cycle that has not been decided.
  Cycle decided() const { return decided_; }
  /// Decides cycle next(); with a memo, also what is known of the time that follows: idle refreshes until `limit`, work until `furthest`.
  void step(ChannelOutput& output, Picoseconds limit, Picoseconds furthest);
  /// Remembers states in `memo`, and what followed from them.
  void remember(std::shared_ptr<HostMemo> memo);

  bool idle() const { return streams_.empty() && queued_[0] + queued_[1] == 0 && active_banks_ == 0; }
  /// End of the last data beat so far.
  Cycle data_end() const { return data_end_; }

  /// Once idle(): first cycle at which all banks can be closed.
  Cycle precharge_ready() const;
  /// Closes all banks at cycle `t`. @return the cycle from which they are precharged and no refresh runs.
  Cycle precharge_all(Cycle t, std::int32_t op, ChannelOutput& output);
  /// First cycle at which every bank may be activated once it is closed.
  Cycle activate_ready() const;
  /// Normal mode begins again, all banks are closed and may be activated from `cycle` on.
  void resume(Cycle cycle) {
    forget_states();
    next_ = cycle;
    timing_.block_until(cycle);
  }

 private:
  enum class RowState : std::uint8_t { closed, opening, open };
  struct Entry {
    Cycle accepted = 0;
    std::int64_t order = 0;
    BurstAddress at;
    std::int32_t stream = 0;
    std::int32_t next = -1;  ///< in its chain, or in the list of free entries
    std::int32_t previous = -1;
    std::uint64_t id = 0;
    Picoseconds arrival;
    bool write = false;
    bool listed = false;
    bool started = false;  ///< a command was issued for it
    RequestOutcome::Row row_outcome = RequestOutcome::Row::hit;
  };
  /// Requests of one bank and direction, oldest first; hit and miss are the oldest of either kind while the row is open.
  struct Chain {
    std::int32_t head = -1;
    std::int32_t tail = -1;
    std::int32_t hit = -1;
    std::int32_t miss = -1;
  };
  struct Bank {
    RowState state = RowState::closed;
    std::int32_t row = -1;
    std::int32_t owner = -1;   ///< opening: the request it is opened for
    std::int32_t active = -1;  ///< open: that request, until it is served
    Cycle act1 = 0;
    Chain chain[2];
  };
  struct Stream {
    ExtentCursor cursor;
    RequestList list;
    std::size_t index = 0;
    bool write = false;
    bool listed = false;
    std::int32_t op = -1;
    std::uint64_t tag = 0;
    Picoseconds submitted;
    Cycle visible = 0;
    std::int64_t in_flight = 0;
    Cycle data_end = 0;
    std::int32_t slot = 0;
    bool next_is_write() const { return listed ? list.items[index].write : write; }
    bool exhausted() const { return listed ? index == list.count : cursor.done(); }
  };
  /// The streams that take part in what comes, in their order, and the operators they are charged to.
  struct Parts {
    std::size_t size = 0;
    std::size_t operators = 0;
    std::size_t base = 0;  ///< rows are relative to this one's
    std::array<std::size_t, most_memo_streams> stream{};
    std::array<bool, most_memo_streams> head{};  ///< the first of its direction that has more
    std::array<std::size_t, most_memo_streams> op_of{};
    std::array<std::int32_t, most_memo_streams> op{};
  };
  /// A remembered state from which a span began of which nothing is known.
  struct Recording {
    std::int32_t state = -1;
    Cycle decided = 0;
    std::int64_t due_ps = 0;
    TimeAccount::Sums times{};
    Parts parts;
    std::array<std::int32_t, most_memo_streams> slot{};
    std::array<std::int32_t, most_memo_streams> row{};
    std::array<ChannelCounts, most_memo_streams> counts{};
  };
  /// The best command found so far at a cycle.
  struct Choice {
    bool found = false;
    std::int64_t order = INT64_MAX;
    std::int32_t entry = -1;
    std::int32_t bank = -1;
    DramCommand command = DramCommand::rd;
    Cycle earliest = never;  ///< when none is ready: when the first will be
  };

  bool accept(Cycle t, ChannelOutput& output);
  bool arrived(const Stream& stream, Cycle t) const;
  bool accept_from(Stream& stream, Cycle t, ChannelOutput& output);
  bool forwarded(const BurstAddress& at) const;
  void enqueue(std::int32_t entry);
  void unlink(Bank& bank, std::int32_t entry);
  void rescan(Bank& bank);
  Cycle next_acceptance(Cycle t) const;
  bool full(bool write) const { return queued_[write] >= (write ? controller_->write_queue : controller_->read_queue); }

  Cycle refresh_cycle(const ChannelOutput& output) const { return clock_.edge_at_or_after(Picoseconds(output.refresh.due_ps)); }
  Cycle forced_refresh_cycle(const ChannelOutput& output) const;
  /// From a refresh command to its end.
  Cycle refresh_cycles() const {
    const DramTiming& timing = dram_->timing;
    return cycles_of_ns(controller_->refresh == RefreshKind::all_bank ? timing.t_rfc_ab_ns : timing.t_rfc_pb_ns, timing.ck_mhz);
  }
  bool nothing_waits() const { return queued_[0] + queued_[1] == 0 && (active_banks_ | opening_banks_) == 0; }
  std::uint64_t refresh_banks(const ChannelOutput& output) const;
  Cycle refresh_ready(std::uint64_t banks) const;
  void choose(Cycle t, Choice& choice, const ChannelOutput& output);
  static void consider(Cycle t, Choice& choice, std::int64_t order, std::int32_t entry, std::int32_t bank, DramCommand command,
                       Cycle ready);
  void choose_opened(Cycle t, Choice& choice, bool all_opening) const;
  void choose_refresh_all(Cycle t, Choice& choice) const;
  void choose_refresh_banks(Cycle t, Choice& choice, std::uint64_t banks) const;
  void choose_queued(Cycle t, Choice& choice, std::uint64_t blocked) const;
  void choose_close(Cycle t, Choice& choice) const;
  void set_write_mode(Cycle t);
  Cycle oldest_write() const;
  bool opened_write_overdue(Cycle t) const;

  void issue(const Choice& choice, Cycle t, ChannelOutput& output);
  void issue_column(const Choice& choice, Cycle t, ChannelOutput& output);
  void issue_act1(const Choice& choice, Cycle t, ChannelOutput& output);
  void issue_act2(const Choice& choice, Cycle t, ChannelOutput& output);
  void issue_precharge(std::int32_t bank, Cycle t, std::int32_t op, ChannelOutput& output);
  void issue_precharge_all(Cycle t, std::int32_t op, ChannelOutput& output);
  void issue_refresh(const Choice& choice, Cycle t, ChannelOutput& output);
  void open_without_time(const Entry& entry, Cycle t, ChannelOutput& output);
  bool find_parts(Parts& parts) const;
  std::int32_t base_row(const Parts& parts) const;
  bool pack(const Parts& parts, ChannelOutput& output, PackedState& state) const;
  void pack_banks(std::int32_t row, PackedState& state) const;
  void pack_entries(const Parts& parts, std::int32_t row, PackedState& state) const;
  void unpack(const Parts& parts, const PackedState& state, Cycle now, const HostSpan& passed, ChannelOutput& output);
  void unpack_banks(std::int32_t row, PackedReader& in);
  void unpack_entries(const Parts& parts, std::int32_t row, PackedReader& in);
  void note_state(ChannelOutput& output);
  void begin_recording(const Parts& parts, std::int32_t number, const ChannelOutput& output);
  void end_recording(const Parts& parts, std::int32_t number, const ChannelOutput& output);
  bool repeat(ChannelOutput& output, Picoseconds limit);
  const HostSpan* known_span(std::int32_t number, Cycle decided, const RefreshState& refresh) const;
  bool meets(const Parts& parts, const HostSpan& passed, const HostSpan& span) const;
  void forget_states() { state_ = recording_.state = -1; }
  void free_all_entries();
  bool skip_idle_refreshes(ChannelOutput& output, Picoseconds limit);

  void await_arrival(ChannelOutput& output) const;
  void finish(std::size_t stream, ChannelOutput& output);
  void add_stream(Stream stream);
  std::size_t stream_of(const Entry& entry) const;
  std::int32_t current_op() const { return streams_.empty() ? -1 : streams_.front().op; }
  bool has(std::uint64_t mask, std::int32_t bank) const { return (mask >> bank & 1U) != 0; }
  Bank& bank_at(std::int32_t bank) { return banks_[static_cast<std::size_t>(bank)]; }
  const Bank& bank_at(std::int32_t bank) const { return banks_[static_cast<std::size_t>(bank)]; }
  Entry& entry_at(std::int32_t entry) { return entries_[static_cast<std::size_t>(entry)]; }
  const Entry& entry_at(std::int32_t entry) const { return entries_[static_cast<std::size_t>(entry)]; }

  const DramConfig* dram_;
  std::shared_ptr<const ControllerConfig> controller_;  ///< shared by copies
  bool row_timing_;
  Cycle write_wait_;
  std::int64_t postponed_ps_ = 0;  ///< how much later than due a refresh may come while requests wait
  Clock clock_;
  TimingState timing_;
  std::vector<Bank> banks_;
  std::vector<Entry> entries_;
  std::int32_t free_entry_ = 0;
  std::vector<Stream> streams_;  ///< by (submitted, tag)
  bool write_turn_ = false;      ///< a write is taken next, if there is one
  std::int32_t next_slot_ = 0;
  int queued_[2] = {0, 0};
  std::uint64_t waiting_[2] = {0, 0};  ///< banks with requests in the queue, by direction
  std::uint64_t active_banks_ = 0;
  std::uint64_t opening_banks_ = 0;
  std::uint64_t open_banks_ = 0;
  std::uint64_t all_banks_ = 0;
  std::int64_t order_ = 0;
  bool write_mode_ = false;
  bool writes_overdue_ = false;  ///< a write has waited too long: all of them are served
  Cycle next_ = 0;
  Cycle decided_ = 0;
  Cycle data_end_ = 0;

  std::shared_ptr<HostMemo> memo_;  ///< null: every command is decided
  bool noteworthy_ = false;         ///< the cycle ends in a state to be remembered
  std::int32_t state_ = -1;         ///< number of the present state in the memo
  std::int64_t generation_ = 0;     ///< of the memo, for state_ and recording_
  Recording recording_;
};

}  // namespace bondsim
