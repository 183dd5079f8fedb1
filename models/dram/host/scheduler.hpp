#pragma once
#include <cstdint>
#include <memory>

#include "models/dram/host/command_choice.hpp"
#include "models/dram/host/host_state.hpp"
#include "models/dram/spec/config.hpp"

namespace bondsim {

/// Chooses among the commands that queued requests need next. Has no state.
class Scheduler {
 public:
  virtual ~Scheduler() = default;
  /// Considers, at cycle `t`, commands for the requests of one direction in banks other than `blocked`, and the ACT2 to come, by age or
  /// last.
  virtual void choose(const HostState& host, Cycle t, bool write, std::uint64_t blocked, CommandChoice& choice) const = 0;
};

/// First ready, first come first served: of the commands that may be issued, the one of the oldest request; row hits before misses of a
/// bank.
class FrFcfs final : public Scheduler {
 public:
  explicit FrFcfs(Act2Order act2 = Act2Order::by_age) : act2_(act2) {}
  void choose(const HostState& host, Cycle t, bool write, std::uint64_t blocked, CommandChoice& choice) const override;

 private:
  static void choose_request(const HostState& host, Cycle t, bool write, std::uint64_t blocked, CommandChoice& choice);
  Act2Order act2_;
};

/// First come, first served: only the oldest request of the direction has commands.
class Fcfs final : public Scheduler {
 public:
  explicit Fcfs(Act2Order act2 = Act2Order::by_age) : act2_(act2) {}
  void choose(const HostState& host, Cycle t, bool write, std::uint64_t blocked, CommandChoice& choice) const override;

 private:
  static void choose_request(const HostState& host, Cycle t, bool write, std::uint64_t blocked, CommandChoice& choice);
  Act2Order act2_;
};

/// Requests whose rows were opened for them come before all others; so does, before these, an ACT2 that would come too late.
/// @param all_opening every ACT2 is considered, not only those at their deadline.
void choose_opened(const HostState& host, Cycle t, bool all_opening, CommandChoice& choice);

/// @throws ConfigError naming the schedulers there are.
std::shared_ptr<const Scheduler> make_scheduler(const ControllerConfig& controller);

}  // namespace bondsim
