#pragma once
#include <cstdint>
#include <vector>

#include "models/dram/spec/command.hpp"
#include "models/dram/spec/config.hpp"

namespace bondsim {

/// Cycles of CK.
using Cycle = std::int64_t;
inline constexpr Cycle never = Cycle{1} << 42;  ///< later than any run; in picoseconds it still fits for clocks of 1 MHz and more

/// Which pairs of commands a rule couples: those to the same bank, to the same bank group, to the same rank, or to two ranks.
enum class RuleScope { bank, bank_group, rank, other_ranks };

/// One line of the datasheet: `following` comes no earlier than `cycles` after `preceding`.
struct TimingRule {
  RuleScope scope = RuleScope::bank;
  DramCommand preceding = DramCommand::act1;
  DramCommand following = DramCommand::act1;
  std::int64_t cycles = 0;
  const char* source = "";
  int window = 1;         ///< counts from the window-th last `preceding` (tFAW: 4)
  bool latest = false;    ///< `following` comes no later than `cycles` after (tAAD)
  bool from_end = false;  ///< counts from the end of the access, not from its command (NRD, NWR)
};

/// Every rule of a channel in normal mode and behind the HB ports, from the datasheet values of a part.
std::vector<TimingRule> timing_rules(const DramConfig& config);

/// Whole cycles that cover `ns`.
Cycle cycles_of_ns(double ns, double ck_mhz);

/// Refresh commands in t_refi_ns at the part's temperature, by its ladder.
/// @throws InternalError above the ladder's last step (loading a system rejects that).
double refresh_rate(const DramConfig& config);

/// Average time between two refresh commands of a kind to a rank, at the part's temperature.
Picoseconds refresh_period(const DramConfig& config, RefreshKind kind);

/// Banks that one REFpb refreshes, so that all banks of the rank are covered within the interval of REFab: banks x t_refi_pb / t_refi. In
/// bank-group mode of LPDDR5 these are two, b and b + banks / 2.
int banks_per_refresh(const DramConfig& config);

/// Rows that the refreshes counted have restored: each bank's rows in 8192 refreshes (JESD209-5B: 8192 REFab a refresh window).
std::int64_t refreshed_rows(const DramConfig& config, const ChannelCounts& counts);

}  // namespace bondsim
