#pragma once
#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "models/dram/hb/hb_engine.hpp"
#include "models/dram/host/host_controller.hpp"
#include "models/dram/timing/channel_output.hpp"
#include "models/dram/timing/shared_queue.hpp"
#include "models/dram/timing/tracked.hpp"

namespace bondsim {

/// A channel without a kernel: both modes, the way between them, refresh, and the account of where time went. Everything it does
/// follows from what was submitted and when, however the time between is cut into calls of run().
///
/// Time of submission: work submitted at time s takes part in decisions on the channel bus from the first edge of CK after s, and behind
/// the HB ports from s on; so calls made at the same time may come in any order. Copying a core copies its state.
class ChannelCore {
 public:
  /// @param nmp null for a normal channel. @param fast_forward shared with channels of the same configuration; null: its own.
  ChannelCore(const DramConfig& dram, const ControllerConfig& controller, const BankPorts* nmp, const ChannelSwitches& switches,
              const std::vector<TimingRule>& rules, const std::shared_ptr<FastForwardTable>& fast_forward = nullptr);

  void keep_log(bool keep) { output_.keep_log = keep; }

  /// All of these are for time `now`, until which run() must have come, and no further.
  void submit(const HostTransfer& transfer, Picoseconds now);
  void submit(const RequestList& list, std::int32_t op, std::uint64_t tag, Picoseconds now);
  void submit(const HbTransfer& transfer, Picoseconds now);
  void request_mode(ChannelMode mode, Picoseconds now);

  /// Decides everything up to and including `limit`.
  void run(Picoseconds limit);
  /// Likewise, but stops at the first event, or beyond `limit` and before any event. @return the time reached.
  Picoseconds run_to_event(Picoseconds limit);

  /// Whether events will come without further calls.
  bool busy() const;
  /// Next time at which a command or a decision comes.
  Picoseconds next_time() const;
  /// Time of the earliest event not yet taken.
  std::optional<Picoseconds> next_event() const;
  /// Takes the events up to `now`, by (kind, tag).
  std::vector<ChannelEvent> take_events(Picoseconds now);
  /// Takes the ends of HB transfers up to `now`, which come in the order of submission. @return tag of the last one; 0: none
  std::uint64_t take_hb_ends(Picoseconds now);
  /// Whether the bus is shared: without contention host transfers take their time whatever the mode.
  bool holds_host_work() const { return bus_contention_; }

  ChannelTimes times(Picoseconds now);
  ChannelCounts counts(int op) const;
  ChannelMode mode() const { return mode_; }
  ChannelOutput& output() { return output_; }

 private:
  void submit_ideal(const HostTransfer& transfer, Picoseconds now);
  enum class Phase : std::uint8_t { steady, draining, closing, switching };
  struct Held {
    HostTransfer transfer;
    RequestList list;
    Picoseconds submitted;
  };

  void to_hosts(const HostTransfer& transfer, Picoseconds submitted, Cycle visible, Picoseconds work_from);
  void to_hosts(const RequestList& list, std::int32_t op, std::uint64_t tag, Picoseconds submitted, Cycle visible, Picoseconds work_from);
  bool open_for_host(Picoseconds now) const;
  HbEngine& hb() { return *hb_.change(); }
  void emit_hb(Picoseconds t);
  Picoseconds next_decision() const;
  void step(Picoseconds limit, Picoseconds furthest);
  void step_hosts(Picoseconds limit);
  bool hosts_idle() const;
  Cycle hosts_next() const;
  Cycle hosts_decided() const;
  Cycle hosts_data_end() const;
  void drained(Picoseconds t);
  void close_banks();
  void announce();
  void arrive();
  /// Normal mode, once the host side is idle: when leaving it may begin.
  Cycle drained_at() const { return std::max(visible_from(requested_), hosts_decided()); }
  Cycle visible_from(Picoseconds now) const { return clock_.edge_before_or_at(now) + 1; }

  const DramConfig* dram_;
  std::shared_ptr<const DramConfig> pseudo_channel_;  ///< of several pseudo channels, the part that each is; null: there is one
  Clock clock_;
  std::vector<Tracked<HostController>> hosts_;  ///< by pseudo channel
  Tracked<std::optional<HbEngine>> hb_;
  ChannelOutput output_;
  ChannelMode mode_ = ChannelMode::normal;
  ChannelMode target_ = ChannelMode::normal;
  Phase phase_ = Phase::steady;
  bool announced_ = false;  ///< switching: MODE_* was issued
  Picoseconds requested_;   ///< when the mode was asked for
  Picoseconds phase_at_;    ///< closing, switching: when the next thing happens
  Picoseconds closed_at_;   ///< switching: when PREA was issued
  Picoseconds settled_;     ///< switching: when the banks are precharged
  Picoseconds latency_;
  std::int64_t refresh_entered_ps_ =
      0;  ///< NMP mode: when refresh was due as it began, and how much later that of the first pseudo channel
  std::int64_t refresh_behind_ps_ = 0;
  bool switch_timed_;
  bool bus_contention_;
  std::map<std::int32_t, Picoseconds> ideal_free_;  ///< by operator, without bus contention: when its bus is free
  SharedQueue<Held> held_;                          ///< host work that waits for normal mode
};

}  // namespace bondsim
