#include "mapping/search/dataflow/layer_search.hpp"

#include <algorithm>
#include <optional>

namespace bondsim::search {

LayerSearch::LayerSearch(const OperatorTable& table, Pricing pricing)
    : table_(table), sets_(table.operators(), table.problem().edges), tiers_(table, pricing, trail_) {}

std::vector<LayerSearch::Candidate> LayerSearch::run() {
  prefixes_[0][0] = {0, 0, 0, -1};
  for (const OperatorSet closed : sets_.closed_sets()) {
    for (const OperatorSet before : sets_.closed_sets()) {
      if (before != closed && (before & ~closed) == 0) extend(before, closed);
    }
  }
  std::vector<Candidate> candidates;
  for (const auto& [bytes, prefix] : prefixes_[sets_.all()]) candidates.push_back({prefix.cost_s, bytes});
  std::stable_sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) { return a.cost_s < b.cost_s; });
  return candidates;
}

void LayerSearch::extend(OperatorSet before, OperatorSet closed) {
  const Prefixes& starts = prefixes_[before];
  Prefixes& ends = prefixes_[closed];
  for (const Label& mag : access_group(closed & ~before)) {
    for (const auto& [bytes, start] : starts) {
      const double cost_s = start.cost_s + mag.prefill_s + mag.decode_s;
      const auto [end, is_new] = ends.emplace(bytes + mag.normal_bytes, Prefix{cost_s, before, bytes, mag.a});
      if (!is_new && cost_s < end->second.cost_s) end->second = {cost_s, before, bytes, mag.a};
    }
  }
}

/// A front of one label an account: in turn, only the sum of both times matters.
const Front& LayerSearch::access_group(OperatorSet mag) {
  const auto known = mags_.find(mag);
  if (known != mags_.end()) return known->second;
  const std::vector<OperatorSet> groups = sets_.components(mag);
  Front front = groups.size() == 1 ? in_tiers(mag, table_.nmp_channels(), table_.has_normal()) : side_by_side(groups);
  std::map<std::int64_t, Label> best;
  for (const Label& label : front) {
    const auto [entry, is_new] = best.emplace(label.normal_bytes, label);
    if (!is_new && label.prefill_s + label.decode_s < entry->second.prefill_s + entry->second.decode_s) entry->second = label;
  }
  front.clear();
  for (const auto& entry : best) front.push_back(entry.second);
  return mags_.emplace(mag, std::move(front)).first->second;
}

/// Operators of one MPG on at most `nmp` NMP channels: the last tier is any set of operators nobody of the group waits for.
const Front& LayerSearch::in_tiers(OperatorSet group, int nmp, bool normal) {
  const auto key = std::make_pair(group, 2 * nmp + (normal ? 1 : 0));
  const auto known = groups_.find(key);
  if (known != groups_.end()) return known->second;
  const OperatorSet last = sets_.last_of(group);
  std::vector<Label> in_turn;
  Front front;
  for (OperatorSet tier = last; tier != 0; tier = (tier - 1) & last) {
    const Front& tier_front = tiers_.fronts(tier).at(nmp, normal);
    if (tier == group) {
      front = tier_front;
    } else {
      const std::vector<Label> pairs = pairs_in_turn(in_tiers(group & ~tier, nmp, normal), tier_front);
      in_turn.insert(in_turn.end(), pairs.begin(), pairs.end());
      keep_undominated(in_turn);
    }
  }
  const Front settled_front = settled(std::move(in_turn), Trail::Kind::after, trail_);
  front.insert(front.end(), settled_front.begin(), settled_front.end());
  keep_undominated(front);
  return groups_.emplace(key, std::move(front)).first->second;
}

/// MPGs of one MAG: the first few of them on at most so many channels, then one more.
Front LayerSearch::side_by_side(const std::vector<OperatorSet>& groups) {
  const int channels = table_.nmp_channels();
  const auto group_front = [&](OperatorSet group, int nmp, bool normal) -> const Front& { return in_tiers(group, nmp, normal); };
  ChannelFronts so_far(channels);
  for (int nmp = 0; nmp <= channels; ++nmp) {
    for (const bool normal : {false, true}) so_far.at(nmp, normal) = group_front(groups[0], nmp, normal && table_.has_normal());
  }
  for (std::size_t g = 1; g < groups.size(); ++g) {
    ChannelFronts next(channels);
    for (int nmp = 0; nmp <= channels; ++nmp) {
      for (const bool normal : {false, true}) {
        std::vector<Label> pairs;
        for (int own = 0; own <= nmp; ++own) {
          for (const bool own_normal : {false, true}) {
            if (own_normal && !normal) continue;
            // The normal channels are one, and fronts of more channels hold those of fewer: give them to one side or the other.
            const auto some =
                pairs_beside(so_far.at(nmp - own, normal && !own_normal), group_front(groups[g], own, own_normal && table_.has_normal()));
            pairs.insert(pairs.end(), some.begin(), some.end());
          }
        }
        next.at(nmp, normal) = settled(std::move(pairs), Trail::Kind::beside, trail_);
      }
    }
    so_far = std::move(next);
  }
  return so_far.at(channels, table_.has_normal());
}

FoundDataflow LayerSearch::dataflow(std::int64_t normal_bytes) const {
  std::vector<int> nodes;
  OperatorSet closed = sets_.all();
  while (closed != 0) {
    const Prefix& prefix = prefixes_.at(closed).at(normal_bytes);
    nodes.push_back(prefix.node);
    closed = prefix.before;
    normal_bytes = prefix.before_bytes;
  }
  FoundDataflow dataflow(static_cast<std::size_t>(table_.operators()));
  for (std::size_t i = 0; i < nodes.size(); ++i) place(nodes[nodes.size() - 1 - i], static_cast<int>(i), dataflow);
  return dataflow;
}

void LayerSearch::place(int node, int mag, FoundDataflow& dataflow) const {
  const Trail::Node& n = trail_.node(node);
  if (n.kind == Trail::Kind::beside) {
    place(n.a, mag, dataflow);
    place(n.b, mag, dataflow);
  } else {
    place_tiers(node, mag, dataflow);
  }
}

/// Returns the number of the node's last tier.
int LayerSearch::place_tiers(int node, int mag, FoundDataflow& dataflow) const {
  const Trail::Node& n = trail_.node(node);
  if (n.kind == Trail::Kind::after) {
    const int before = place_tiers(n.a, mag, dataflow);
    const int last = place_tiers(n.b, mag, dataflow);
    check(last == 0, "a tier of several tiers");
    const OperatorSet tier = trail_.node(n.b).set;
    for (int op = 0; op < table_.operators(); ++op) {
      if ((tier >> op & 1) != 0) dataflow[static_cast<std::size_t>(op)].tier = before + 1;
    }
    return before + 1;
  }
  int binding = n.a;
  for (int op = 0; op < table_.operators(); ++op) {
    if ((n.set >> op & 1) != 0) dataflow[static_cast<std::size_t>(op)] = {mag, 0, trail_.binding(binding++), 0};
  }
  return 0;
}

}  // namespace bondsim::search
