#include "mapping/dataflow/groups.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "mapping/dataflow/dataflow.hpp"
#include "mapping/dataflow/operator_names.hpp"
#include "models/base/schema.hpp"
#include "models/schedule/expert_name.hpp"

namespace bondsim {
namespace {

/// Place of an operator: MAG, MPG, tier.
struct Place {
  std::size_t group = 0;
  std::size_t partition = 0;
  std::size_t tier = 0;
};

class GroupChecker {
 public:
  GroupChecker(const std::vector<AccessGroupFile>& files, const GroupChecks& checks)
      : files_(files), checks_(checks), bindings_(checks.bindings.begin(), checks.bindings.end()) {}

  std::vector<AccessGroup> run() {
    for (group_ = 0; group_ < files_.size(); ++group_) take_group();
    check_all_placed();
    for (const auto& [from, to] : checks_.edges) check_edge(from, to);
    for (group_ = 0; group_ < files_.size(); ++group_) {
      check_channels();
      for (partition_ = 0; partition_ < file().partitions.size(); ++partition_) check_partition();
    }
    drop_empty();
    for (AccessGroup& group : out_) assign_vector_units(group);
    return out_;
  }

 private:
  const AccessGroupFile& file() const { return files_[group_]; }
  std::string path() const { return fmt::format("dataflow.groups[{}].partitions[{}]", group_, partition_); }
  [[noreturn]] void reject(const std::string& what) const { config_error(file().partitions[partition_].where, path(), what); }

  void take_group() {
    out_.emplace_back();
    for (partition_ = 0; partition_ < file().partitions.size(); ++partition_) {
      const PartitionFile& written = file().partitions[partition_];
      Partition p;
      p.nmp_channels = resolve_channels(written.nmp_channels, checks_.nmp);
      p.normal = written.normal_channels && checks_.normal > 0;
      for (const std::vector<std::string>& tier : written.tiers) {
        if (std::find(tier.begin(), tier.end(), "experts") != tier.end()) {
          if (tier.size() > 1) reject("'experts' stands beside other operators of a tier, allowed: alone");
          take_experts(p);
          continue;
        }
        p.tiers.emplace_back();
        for (const std::string& name : tier) take_operator(name, p.tiers.size() - 1, p.tiers.back());
      }
      out_.back().partitions.push_back(std::move(p));
    }
  }

  /// `experts`: two tiers for each of them in turn, its f1 and f3, then its f2.
  void take_experts(Partition& p) {
    int experts = 0;
    for (const std::string& op : checks_.operators) experts = std::max(experts, expert_of(op).value_or(-1) + 1);
    for (int e = 0; e < experts; ++e) {
      for (const auto& names : {std::vector<std::string>{"f1", "f3"}, std::vector<std::string>{"f2"}}) {
        p.tiers.emplace_back();
        for (const std::string& name : names) {
          const std::string op = fmt::format("e{}.{}", e, name);
          const bool there = std::find(checks_.operators.begin(), checks_.operators.end(), op) != checks_.operators.end();
          if (there) take_operator(op, p.tiers.size() - 1, p.tiers.back());
        }
      }
    }
  }

  void take_operator(const std::string& name, std::size_t tier, std::vector<std::string>& to) {
    const auto& layer = checks_.operators;
    if (std::find(layer.begin(), layer.end(), name) == layer.end()) {
      bool experts = false;
      for (const std::string& op : layer) {
        if (expert_operator(op) != name) continue;
        take_operator(op, tier, to);
        experts = true;
      }
      if (experts) return;
      const bool known = std::find(checks_.known.begin(), checks_.known.end(), name) != checks_.known.end();
      if (!known || name == "lm_head") {
        reject(fmt::format("'{}' is not an operator of a layer, allowed: {}", name, fmt::join(layer, ", ")));
      }
      return;  // this model has no such operator (the gate of an FFN)
    }
    if (!places_.insert({name, Place{group_, partition_, tier}}).second) {
      reject(fmt::format("{} is in two tiers, allowed: every operator once", name));
    }
    to.push_back(name);
  }

  void check_all_placed() const {
    for (const std::string& name : checks_.operators) {
      if (places_.count(name) > 0) continue;
      config_error(files_.front().where, "dataflow.groups", fmt::format("{} is in no tier, allowed: every operator of a layer once", name));
    }
  }

  void check_edge(const std::string& from, const std::string& to) {
    const Place& a = places_.at(from);
    const Place& b = places_.at(to);
    group_ = b.group;
    partition_ = b.partition;
    if (a.group > b.group) reject(fmt::format("{} needs the result of {}, which is in a later group", to, from));
    if (a.group < b.group) return;
    if (a.partition != b.partition) {
      reject(fmt::format(
          "{} needs the result of {}, which is in another partition of the same group; connected operators of a group are one partition",
          to, from));
    }
    if (a.tier >= b.tier) reject(fmt::format("{} needs the result of {}, which is not in an earlier tier", to, from));
  }

  /// Partitions of a group: disjoint channels, together all of them.
  void check_channels() {
    std::map<int, int> owner;  // partition by channel
    for (const int c : checks_.nmp) owner[c] = -1;
    int normal_owner = -1;
    for (partition_ = 0; partition_ < file().partitions.size(); ++partition_) {
      const Partition& p = out_[group_].partitions[partition_];
      for (const int c : p.nmp_channels) {
        int& o = owner.at(c);
        if (o >= 0) reject(fmt::format("NMP channel {} belongs to partition {} too, allowed: disjoint channels", c, o));
        o = static_cast<int>(partition_);
      }
      if (!p.normal) continue;
      if (normal_owner >= 0) reject(fmt::format("the normal channels belong to partition {} too, allowed: to one", normal_owner));
      normal_owner = static_cast<int>(partition_);
    }
    for (const auto& [c, partition] : owner) {
      if (partition >= 0) continue;
      config_error(file().where, fmt::format("dataflow.groups[{}]", group_),
                   fmt::format("NMP channel {} is in no partition, a group uses all channels", c));
    }
    if (normal_owner < 0 && checks_.normal > 0) {
      config_error(file().where, fmt::format("dataflow.groups[{}]", group_),
                   "the normal channels are in no partition, a group uses all channels");
    }
  }

  void check_partition() const {
    const Partition& p = out_[group_].partitions[partition_];
    check_connected(p);
    for (const auto& tier : p.tiers) {
      std::map<int, std::string> owner;
      for (const std::string& op : tier) {
        const Binding& b = bindings_.at(op);
        for (const int c : b.nmp_channels) {
          if (!std::binary_search(p.nmp_channels.begin(), p.nmp_channels.end(), c)) {
            reject(fmt::format("{} is bound to NMP channel {}, which is not the partition's, allowed: {}", op, c,
                               fmt::join(p.nmp_channels, ", ")));
          }
          const auto [slot, fresh] = owner.insert({c, op});
          if (!fresh)
            reject(
                fmt::format("{} and {} are in one tier and both bound to NMP channel {}, allowed: disjoint channels", slot->second, op, c));
        }
        if (!b.normal_channels.empty() && !p.normal)
          reject(fmt::format("{} is bound to the normal channels, which are not the partition's", op));
      }
    }
  }

  /// A partition is one weakly connected component of its group.
  void check_connected(const Partition& p) const {
    std::vector<std::string> members;
    for (const auto& tier : p.tiers) members.insert(members.end(), tier.begin(), tier.end());
    if (members.empty()) return;
    std::set<std::string> reached = {members.front()};
    for (bool grown = true; grown;) {
      grown = false;
      for (const auto& [from, to] : checks_.edges) {
        const bool both = std::find(members.begin(), members.end(), from) != members.end() &&
                          std::find(members.begin(), members.end(), to) != members.end();
        if (!both || reached.count(from) == reached.count(to)) continue;
        reached.insert(from);
        reached.insert(to);
        grown = true;
      }
    }
    for (const std::string& op : members) {
      if (reached.count(op) == 0) {
        reject(fmt::format("{} and {} are not connected inside the group, allowed: a partition is one connected component", members.front(),
                           op));
      }
    }
  }

  void drop_empty() {
    for (AccessGroup& group : out_) {
      for (Partition& p : group.partitions) {
        p.tiers.erase(std::remove_if(p.tiers.begin(), p.tiers.end(), [](const auto& t) { return t.empty(); }), p.tiers.end());
      }
      auto& list = group.partitions;
      list.erase(std::remove_if(list.begin(), list.end(), [](const Partition& p) { return p.tiers.empty(); }), list.end());
    }
    out_.erase(std::remove_if(out_.begin(), out_.end(), [](const AccessGroup& g) { return g.partitions.empty(); }), out_.end());
  }

  /// Each partition gets vector units of its own while they last; otherwise all share all of them, tier by tier.
  void assign_vector_units(AccessGroup& group) const {
    const int parts = static_cast<int>(group.partitions.size());
    group.tiers_in_step = parts > checks_.vector_units;
    int next = 0;
    for (int i = 0; i < parts; ++i) {
      Partition& p = group.partitions[static_cast<std::size_t>(i)];
      p.units = group.tiers_in_step ? checks_.vector_units : checks_.vector_units / parts + (i < checks_.vector_units % parts ? 1 : 0);
      p.first_unit = group.tiers_in_step ? 0 : next;
      next += p.units;
    }
  }

  const std::vector<AccessGroupFile>& files_;
  const GroupChecks& checks_;
  std::map<std::string, Binding> bindings_;
  std::map<std::string, Place> places_;
  std::vector<AccessGroup> out_;
  std::size_t group_ = 0;
  std::size_t partition_ = 0;
};

}  // namespace

template <class Visitor>
void fields(Visitor& v, PartitionFile& c) {
  c.where = v.node();
  channels_field(v, c.nmp_channels, "NMP channels of the partition");
  v.field("normal_channels", c.normal_channels, required("the partition has the normal channels"));
  v.field("tiers", c.tiers,
          required("lists of operators, run one list after the other; [experts]: those of each expert in turn, f1 and f3, then f2"));
}

template <class Visitor>
void fields(Visitor& v, AccessGroupFile& c) {
  c.where = v.node();
  v.sections("partitions", c.partitions, required("memory partition groups, run side by side"));
}

template void fields(Decoder& v, PartitionFile& c);
template void fields(Describer& v, PartitionFile& c);
template void fields(Decoder& v, AccessGroupFile& c);
template void fields(Describer& v, AccessGroupFile& c);

std::vector<AccessGroup> check_groups(const std::vector<AccessGroupFile>& files, const GroupChecks& checks) {
  return GroupChecker(files, checks).run();
}

}  // namespace bondsim
