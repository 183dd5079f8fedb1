#pragma once
#include <memory>
#include <optional>
#include <systemc>

#include "models/dram/channel/channel.hpp"
#include "models/dram/channel/channel_core.hpp"
#include "models/schedule/simulation_listener.hpp"

namespace bondsim {

/// Told how each request of a list fared; at the time of its column command.
class RequestObserver {
 public:
  virtual ~RequestObserver() = default;
  virtual void request_served(const RequestOutcome& outcome) = 0;
};

/// A DRAM channel in the SystemC kernel: gives the time of the kernel to a ChannelCore and calls the listeners when work ends.
/// With column trains it decides ahead of the kernel up to the next event somebody waits for; what was decided beyond the time at which new
/// work arrives is set back and decided again. A channel with nothing to do causes no kernel events. In NMP mode the caller of the banks
/// may take a whole task ahead of the kernel (BanksAhead): what others submit meanwhile is held until the mode is left.
class DramChannel : public sc_core::sc_module, public ChannelPort, private BanksAhead {
 public:
  /// @param nmp null for a normal channel. @param sink null when nobody reads the commands. Configurations must outlive the channel.
  /// @param fast_forward shared with channels of the same configuration; null: its own.
  DramChannel(sc_core::sc_module_name name, int index, const DramConfig& dram, const ControllerConfig& controller, const BankPorts* nmp,
              const ChannelSwitches& switches, SimulationListener* sink, const std::shared_ptr<FastForwardTable>& fast_forward = nullptr);

  /// Who is told of ended work: the host side of host_transfer_done(), the NMP side (may be null) of the rest.
  void bind_listener(ChannelListener& host, ChannelListener* nmp);

  /// From now on commands are handed to the sink, or not. @param one_by_one at the time of each of them: the kernel wakes for every one,
  /// refresh of an idle channel included, until this is called again. At construction: whenever there is a sink.
  void record_commands(bool on, bool one_by_one);

  /// Who is told of requests; null: nobody.
  void bind_observer(RequestObserver* observer) { observer_ = observer; }

  /// Queues a list of requests, which must live until host_transfer_done(tag).
  void submit(const RequestList& list, std::int32_t op, std::uint64_t tag);
  void submit(const HostTransfer& transfer) override;
  void request_mode(ChannelMode mode) override;
  void submit(const HbTransfer& transfer) override;
  ChannelTimes times_until_now() override;
  ChannelCounts counts_until_now(int op) override;
  BanksAhead* ahead() override;

  /// Decides and hands out everything until now: for the end of a run, so that the trace is complete.
  void flush() { synchronize(); }
  /// Times the kernel woke the channel.
  std::uint64_t kernel_events() const { return kernel_events_; }

 private:
  void submit(const HbTransfer& transfer, Picoseconds at) override { core_.submit(transfer, at); }
  Picoseconds run_ahead_to_end(Picoseconds limit) override { return core_.run_to_event(limit); }
  std::uint64_t take_ended(Picoseconds at) override { return core_.take_hb_ends(at); }
  ChannelTimes times_at(Picoseconds at) override { return core_.times(at); }
  void stay_ahead_until(Picoseconds time) override { driven_until_ = reached_ = time; }

  void work();
  void synchronize();
  void hand_out();
  void run_ahead();
  void submitted();
  static Picoseconds now() { return Picoseconds(static_cast<std::int64_t>(sc_core::sc_time_stamp().value())); }

  int index_;
  ChannelSwitches switches_;
  SimulationListener* sink_;
  bool recording_;
  bool one_by_one_ = false;
  RequestObserver* observer_ = nullptr;
  ChannelListener* host_listener_ = nullptr;
  ChannelListener* nmp_listener_ = nullptr;
  ChannelCore core_;
  ChannelCore checkpoint_;  ///< core_ as it was at the time handed out, while core_ is ahead of it
  bool ahead_ = false;
  bool announced_ = false;    ///< events of this time are handed out in the next delta cycle
  Picoseconds reached_;       ///< time until which core_ has decided
  Picoseconds horizon_;       ///< how far to decide ahead next
  Picoseconds driven_until_;  ///< core_ was taken there ahead of the kernel, for good
  sc_core::sc_event wakeup_;
  std::uint64_t kernel_events_ = 0;
};

}  // namespace bondsim
