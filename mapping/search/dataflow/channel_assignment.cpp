#include "mapping/search/dataflow/channel_assignment.hpp"

#include <algorithm>
#include <map>
#include <numeric>

namespace bondsim::search {
namespace {

class Assignment {
 public:
  Assignment(const OperatorTable& table, FoundDataflow& dataflow)
      : table_(table), dataflow_(dataflow), groups_(partition_groups(table.problem(), dataflow)), load_(at(table.nmp_channels()), 0.0) {
    for (Placement& p : dataflow_) p.nmp_mask = 0;
  }

  /// Removes a MAG and places it again on top of what the others hold.
  void place_mag(int mag) {
    std::map<int, std::vector<int>> members;  // group: operators
    for (int op = 0; op < table_.operators(); ++op) {
      if (dataflow_[at(op)].mag != mag) continue;
      add(op, -1);
      dataflow_[at(op)].nmp_mask = 0;
      members[groups_[at(op)]].push_back(op);
    }
    std::vector<std::pair<double, int>> order;
    order.reserve(members.size());
    for (const auto& [group, ops] : members) order.emplace_back(-group_load(ops), group);
    std::sort(order.begin(), order.end());
    std::uint64_t taken = 0;
    for (const auto& [load, group] : order) {
      const std::uint64_t mask = emptiest(width(members[group]), ~taken);
      taken |= mask;
      place_group(members[group], mask);
    }
  }

  double fullest() const { return load_.empty() ? 0 : *std::max_element(load_.begin(), load_.end()); }

 private:
  double share(int op) const {
    const Allotment& b = dataflow_[at(op)].binding;
    return b.nmp == 0 ? 0 : (table_.bytes(op) - table_.normal_bytes(op, b)) / b.nmp;
  }

  void add(int op, double sign) {
    for (int c = 0; c < table_.nmp_channels(); ++c) {
      if ((dataflow_[at(op)].nmp_mask >> c & 1) != 0) load_[at(c)] += sign * share(op);
    }
  }

  double group_load(const std::vector<int>& ops) const {
    double sum = 0;
    for (const int op : ops) sum += share(op) * dataflow_[at(op)].binding.nmp;
    return sum / std::max(1, width(ops));
  }

  /// NMP channels a group needs: those of its widest tier.
  int width(const std::vector<int>& ops) const {
    std::map<int, int> tiers;
    for (const int op : ops) tiers[dataflow_[at(op)].tier] += dataflow_[at(op)].binding.nmp;
    int widest = 0;
    for (const auto& tier : tiers) widest = std::max(widest, tier.second);
    return widest;
  }

  std::uint64_t emptiest(int count, std::uint64_t allowed) const {
    std::vector<int> channels;
    for (int c = 0; c < table_.nmp_channels(); ++c) {
      if ((allowed >> c & 1) != 0) channels.push_back(c);
    }
    check(static_cast<int>(channels.size()) >= count, "{} NMP channels left, {} needed", channels.size(), count);
    std::stable_sort(channels.begin(), channels.end(), [&](int a, int b) { return load_[at(a)] < load_[at(b)]; });
    std::uint64_t mask = 0;
    for (int i = 0; i < count; ++i) mask |= std::uint64_t{1} << channels[at(i)];
    return mask;
  }

  void place_group(std::vector<int> ops, std::uint64_t mask) {
    std::stable_sort(ops.begin(), ops.end(), [&](int a, int b) { return share(a) > share(b); });
    std::map<int, std::uint64_t> taken;  // by tier
    for (const int op : ops) {
      std::uint64_t& tier = taken[dataflow_[at(op)].tier];
      dataflow_[at(op)].nmp_mask = emptiest(dataflow_[at(op)].binding.nmp, mask & ~tier);
      tier |= dataflow_[at(op)].nmp_mask;
      add(op, 1);
    }
  }

  const OperatorTable& table_;
  FoundDataflow& dataflow_;
  std::vector<int> groups_;
  std::vector<double> load_;
};

}  // namespace

bool assign_channels(const OperatorTable& table, FoundDataflow& dataflow) {
  Assignment assignment(table, dataflow);
  int mags = 0;
  for (const Placement& p : dataflow) mags = std::max(mags, p.mag + 1);
  FoundDataflow best;
  double fullest = 0;
  for (int pass = 0; pass < 8; ++pass) {
    for (int mag = 0; mag < mags; ++mag) assignment.place_mag(mag);
    if (best.empty() || assignment.fullest() < fullest) {
      best = dataflow;
      fullest = assignment.fullest();
    }
  }
  dataflow = best;
  const std::vector<double> stored = stored_bytes(table, dataflow);
  const double capacity = table.problem().channel_capacity_bytes;
  for (int c = 0; c < table.nmp_channels(); ++c) {
    if (stored[at(c)] > capacity) return false;
  }
  return stored.back() <= capacity * table.problem().device.normal_channels;
}

}  // namespace bondsim::search
