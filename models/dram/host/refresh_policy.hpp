#pragma once
#include <cstdint>
#include <memory>

#include "models/dram/host/scheduler.hpp"
#include "models/dram/timing/channel_output.hpp"

namespace bondsim {

/// Chooses the commands of a refresh that is due: closes the banks it needs, then refreshes them. Its position in the round of banks and
/// the time the next command is due stand in RefreshState, which normal mode and NMP mode share.
class RefreshPolicy {
 public:
  virtual ~RefreshPolicy() = default;
  /// Banks of the next refresh command, as bits.
  virtual std::uint64_t banks(const RefreshState& state) const = 0;
  /// Considers the next command towards the refresh that is due; none while rows opened for requests in its banks are unserved.
  virtual void choose(const HostState& host, Cycle t, const RefreshState& state, CommandChoice& choice) const = 0;
  /// First cycle at which closed banks may be refreshed.
  virtual Cycle ready(const TimingState& timing, std::uint64_t banks) const = 0;
  /// Records the command in the timing, and goes on to the next one.
  virtual void issued(TimingState& timing, Cycle t, RefreshState& state) const = 0;
  virtual DramCommand command() const = 0;
  /// Whether requests to other banks go on while a refresh is due.
  virtual bool lets_others_go_on() const = 0;
  /// Commands in a round after which the position is the first again.
  virtual int turns() const = 0;
  /// Position of the command that refreshes a bank.
  virtual int turn_of(int bank) const = 0;
  /// From one command to the next, of whichever banks.
  virtual std::int64_t interval_ps() const = 0;
  /// From a command to the end of the refresh.
  virtual Cycle cycles() const = 0;
};

/// REFab: all banks of a rank at once, rank after rank. With one rank nobody goes on meanwhile, else the other ranks do.
class AllBankRefresh final : public RefreshPolicy {
 public:
  explicit AllBankRefresh(const DramConfig& dram);
  std::uint64_t banks(const RefreshState& state) const override { return bank_mask(state.position * rank_banks_, rank_banks_); }
  void choose(const HostState& host, Cycle t, const RefreshState& state, CommandChoice& choice) const override;
  Cycle ready(const TimingState& timing, std::uint64_t banks) const override;
  void issued(TimingState& timing, Cycle t, RefreshState& state) const override;
  DramCommand command() const override { return DramCommand::refab; }
  bool lets_others_go_on() const override { return ranks_ > 1; }
  int turns() const override { return ranks_; }
  int turn_of(int bank) const override { return bank / rank_banks_; }
  std::int64_t interval_ps() const override { return period_ps_ / ranks_; }
  Cycle cycles() const override { return cycles_; }

 private:
  /// Bank by which commands name the rank: none where there is one rank.
  int named(const RefreshState& state) const { return ranks_ > 1 ? state.position * rank_banks_ : -1; }

  int ranks_;
  int rank_banks_;
  Cycle cycles_;
  std::int64_t period_ps_;
};

/// REFpb: some banks of a rank at a time (banks_per_refresh()), in order of their number, the ranks in turns.
class PerBankRefresh final : public RefreshPolicy {
 public:
  explicit PerBankRefresh(const DramConfig& dram);
  std::uint64_t banks(const RefreshState& state) const override;
  void choose(const HostState& host, Cycle t, const RefreshState& state, CommandChoice& choice) const override;
  Cycle ready(const TimingState& timing, std::uint64_t banks) const override;
  void issued(TimingState& timing, Cycle t, RefreshState& state) const override;
  DramCommand command() const override { return DramCommand::refpb; }
  bool lets_others_go_on() const override { return true; }
  int turns() const override { return ranks_ * turns_of_rank(); }
  int turn_of(int bank) const override { return bank % banks_ % turns_of_rank() * ranks_ + bank / banks_; }
  std::int64_t interval_ps() const override { return period_ps_ / ranks_; }
  Cycle cycles() const override { return cycles_; }

 private:
  int turns_of_rank() const { return banks_ / together_; }

  int ranks_;
  int banks_;  ///< of a rank
  int together_;
  Cycle cycles_;
  std::int64_t period_ps_;
};

/// The policy of a kind; for `none` that of REFab, which is then never asked.
std::shared_ptr<const RefreshPolicy> make_refresh_policy(const DramConfig& dram, RefreshKind kind);

}  // namespace bondsim
