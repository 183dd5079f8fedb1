#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "models/base/clock.hpp"
#include "models/dram/host/fast_forward.hpp"
#include "models/dram/host/host_state.hpp"
#include "models/dram/host/page_policy.hpp"
#include "models/dram/host/refresh_policy.hpp"
#include "models/dram/host/scheduler.hpp"
#include "models/dram/timing/channel_output.hpp"

namespace bondsim {

/// The controller of a channel's bus in normal mode: decides, cycle by cycle of CK, which request enters its queues and which command goes
/// to the banks. Plain rules without a kernel. Copying it copies its state.
///
/// At most one request a cycle enters the queues, and one command a cycle is issued. In order of precedence: ACT2 at its deadline, requests
/// whose rows were opened for them, refresh that is due or that refresh management asks for, queued requests by the Scheduler (reads or
/// writes, as WriteDrain says), rows that the page policy closes.
///
/// A channel of several pseudo channels has a controller for each: `dram` is then one of them, banks are numbered from its first on, and
/// what goes out has the numbers of the channel.
class HostController {
 public:
  HostController(const DramConfig& dram, const ControllerConfig& controller, const ChannelSwitches& switches,
                 const std::vector<TimingRule>& rules, const Clock& clock, const PseudoChannel& of = {});

  /// Requests of `transfer` may enter from cycle `visible` on.
  void submit(const HostTransfer& transfer, Picoseconds submitted, Cycle visible);
  /// Likewise for a list; the requests are charged to `op`.
  void submit(const RequestList& list, std::int32_t op, std::uint64_t tag, Picoseconds submitted, Cycle visible);

  /// Next cycle at which anything may be decided.
  Cycle next() const { return state_.next; }
  /// First cycle that has not been decided.
  Cycle decided() const { return state_.decided; }
  /// Decides cycle next(). With fast-forward, also what is known of the time that follows: idle refreshes until `limit`, work until
  /// `furthest`.
  void step(ChannelOutput& output, Picoseconds limit, Picoseconds furthest);
  /// Decides cycle next() of one of several pseudo channels. @param buses what the others have issued at this cycle; its own is put in
  void step(ChannelOutput& output, CommandBuses& buses);
  /// Whether an ACT2 comes too late after cycle `t`: this controller goes before those of other pseudo channels then.
  bool act2_due(Cycle t) const;
  /// Records states in `table`, and takes the steps known from them at once.
  void fast_forward_with(std::shared_ptr<FastForwardTable> table) { fast_forward_.use(std::move(table)); }

  bool idle() const { return state_.streams.empty() && state_.queues.empty() && state_.rows.active() == 0; }
  /// End of the last data beat so far.
  Cycle data_end() const { return state_.data_end; }

  /// Once idle(): first cycle at which all banks can be closed.
  Cycle precharge_ready() const;
  /// Closes all banks from cycle `t` on, a rank a cycle. @return the cycle from which they are precharged and no refresh runs.
  Cycle precharge_all(Cycle t, std::int32_t op, ChannelOutput& output);
  /// First cycle at which every bank may be activated once it is closed.
  Cycle activate_ready() const;
  /// Normal mode begins again, all banks are closed and may be activated from `cycle` on.
  void resume(Cycle cycle);

 private:
  /// Calls f(first bank) for every rank with an open row.
  template <class F>
  void for_each_open_rank(F f) const {
    const int banks = dram_->organization.banks_per_rank();
    for (std::int32_t first = 0; first < dram_->organization.banks(); first += banks) {
      if ((state_.rows.open() & bank_mask(first, banks)) != 0) f(first);
    }
  }
  bool decide(Cycle t, const CommandBuses& taken, ChannelOutput& output, CommandChoice& choice);
  RefreshState& refresh_of(ChannelOutput& output) const { return output.refresh_of(of_.index); }
  const RefreshState& refresh_of(const ChannelOutput& output) const { return output.refresh_of(of_.index); }
  /// A bank in the numbers of the channel. -1 are all banks: those of a pseudo channel go by its first.
  std::int32_t named(std::int32_t bank) const { return of_.count == 1 ? bank : of_.first_bank + std::max(bank, 0); }
  bool accept(Cycle t, ChannelOutput& output);
  bool accept_from(std::int32_t slot, Cycle t, ChannelOutput& output);
  void choose(Cycle t, CommandChoice& choice, const ChannelOutput& output);
  void synchronize_wck(Cycle t, CommandChoice& choice);
  Cycle refreshes_ready() const;
  bool skip_idle_refreshes(ChannelOutput& output, Picoseconds limit);
  /// Cycle at which the next refresh is due; with `postponed`, at which it goes before requests: due + postponement - t_refi / 4.
  Cycle refresh_cycle(const ChannelOutput& output, bool postponed) const {
    return clock_.edge_at_or_after(Picoseconds(refresh_of(output).due_ps + (postponed ? postponed_ps_ : 0)));
  }

  void issue(const CommandChoice& choice, Cycle t, ChannelOutput& output);
  void issue_column(const CommandChoice& choice, Cycle t, ChannelOutput& output);
  void issue_act1(const CommandChoice& choice, Cycle t, ChannelOutput& output);
  void issue_act2(const CommandChoice& choice, Cycle t, ChannelOutput& output);
  void issue_precharge(const CommandChoice& choice, Cycle t, ChannelOutput& output);
  /// @param bank of the rank; -1: there is one
  void issue_precharge_all(Cycle t, std::int32_t bank, std::int32_t op, ChannelOutput& output);
  void issue_refresh(const CommandChoice& choice, Cycle t, ChannelOutput& output);
  void open_without_time(const Request& request, Cycle t, ChannelOutput& output);
  void await_arrival(ChannelOutput& output) const;
  void finish(std::int32_t slot, ChannelOutput& output);

  const DramConfig* dram_;
  PseudoChannel of_;
  std::int64_t postponed_ps_ = 0;  ///< how much later than due a refresh may come while requests wait
  Clock clock_;
  std::shared_ptr<const Scheduler> scheduler_;  ///< policies are shared by copies
  std::shared_ptr<const RowClosing> closing_;
  std::shared_ptr<const RefreshPolicy> refresh_;
  HostState state_;
  FastForward fast_forward_;
  bool noteworthy_ = false;  ///< the cycle ends in a state to be recorded
};

}  // namespace bondsim
