#pragma once
#include <map>
#include <vector>

#include "mapping/search/dataflow/front.hpp"

namespace bondsim::search {

/// Fronts by the channels they may use: at most `nmp` NMP channels, and the normal ones or not.
class ChannelFronts {
 public:
  explicit ChannelFronts(int nmp_channels) : fronts_(2 * static_cast<std::size_t>(nmp_channels + 1)) {}
  Front& at(int nmp, bool normal) { return fronts_[2 * static_cast<std::size_t>(nmp) + (normal ? 1 : 0)]; }
  const Front& at(int nmp, bool normal) const { return fronts_[2 * static_cast<std::size_t>(nmp) + (normal ? 1 : 0)]; }

 private:
  std::vector<Front> fronts_;
};

/// All that is worth knowing of operators that run side by side in one tier: every division of channels among them is tried, and for each
/// the best division of the split operators.
class TierSolver {
 public:
  TierSolver(const OperatorTable& table, Pricing pricing, Trail& trail) : table_(table), pricing_(pricing), trail_(trail) {}

  /// @param tier operators no two of which depend on each other.
  const ChannelFronts& fronts(OperatorSet tier);

 private:
  void divide_channels(std::size_t next, int nmp_left, int nmp_used, bool normal_used);
  void add_division(int nmp_used, bool normal_used);
  void add_every_share(std::size_t next, int nmp_used, bool normal_used);
  void add_label(int nmp_used, bool normal_used);
  double shortest_step();
  double npu_seconds_within(double limit_s) const;
  void set_shares_within(double limit_s);
  void add_priced_extremes(int nmp_used, bool normal_used);
  void price_single(int nmp_used);

  const OperatorTable& table_;
  Pricing pricing_;
  Trail& trail_;
  std::map<OperatorSet, ChannelFronts> known_;

  // The tier being solved.
  OperatorSet tier_ = 0;
  std::vector<int> operators_;
  std::vector<Allotment> bindings_;
  ChannelFronts* found_ = nullptr;
};

}  // namespace bondsim::search
