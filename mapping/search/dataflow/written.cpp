#include "mapping/search/dataflow/written.hpp"

#include <algorithm>
#include <limits>
#include <map>

namespace bondsim::search {
namespace {

/// A partition of a MAG while it is put together.
struct Part {
  std::uint64_t nmp_mask = 0;
  bool normal = false;
  std::map<int, std::vector<int>> tiers;  ///< operators by tier
};
using Parts = std::map<int, Part>;

class Writer {
 public:
  Writer(const OperatorTable& table, const FoundDataflow& found)
      : table_(table), found_(found), all_((std::uint64_t{1} << table.nmp_channels()) - 1) {}

  OperatorRule rule(int op) const {
    const Placement& p = found_[at(op)];
    OperatorRule rule;
    rule.names = {operation(op).name};
    rule.executor = p.binding.split() ? Executor::split : p.binding.normal ? Executor::npu : Executor::nmp;
    rule.nmp_channels = channels(p.nmp_mask);
    rule.normal_channels = p.binding.normal;
    if (p.binding.split()) rule.nmp_share = storing_ratio(table_, op, p.binding);
    return rule;
  }

  std::vector<AccessGroupFile> groups() const {
    const std::vector<int> groups = partition_groups(table_.problem(), found_);
    std::map<int, Parts> mags;
    for (int op = 0; op < table_.operators(); ++op) {
      const Placement& p = found_[at(op)];
      Part& part = mags[p.mag][groups[at(op)]];
      part.nmp_mask |= p.nmp_mask;
      part.normal = part.normal || p.binding.normal;
      part.tiers[p.tier].push_back(op);
    }
    std::vector<AccessGroupFile> out;
    for (const auto& [mag, parts] : mags) add_mag(parts, out);
    return out;
  }

 private:
  const SearchOperator& operation(int op) const { return table_.problem().operators[at(op)]; }

  ChannelSet channels(std::uint64_t mask) const {
    ChannelSet set;
    const std::vector<int>& numbers = table_.problem().nmp_channel_numbers;
    set.all = mask == all_ && mask != 0;
    for (int c = 0; c < table_.nmp_channels() && !set.all; ++c) {
      if ((mask >> c & 1) != 0) set.channels.push_back(numbers.empty() ? c : numbers[at(c)]);
    }
    return set;
  }

  bool has_experts(const Part& part) const {
    return std::any_of(part.tiers.begin(), part.tiers.end(), [&](const auto& tier) {
      return std::any_of(tier.second.begin(), tier.second.end(), [&](int op) { return operation(op).expert; });
    });
  }

  bool has_others(const Part& part) const {
    return std::any_of(part.tiers.begin(), part.tiers.end(), [&](const auto& tier) {
      return std::any_of(tier.second.begin(), tier.second.end(), [&](int op) { return !operation(op).expert; });
    });
  }

  /// Names of a tier as expert `e` takes part in it; of the operators outside of experts only when `others`.
  std::vector<std::string> names(const std::vector<int>& tier, int e, bool others) const {
    std::vector<std::string> names;
    for (const int op : tier) {
      if (operation(op).expert) names.push_back(fmt::format("e{}.{}", e, operation(op).name));
      if (!operation(op).expert && others) names.push_back(operation(op).name);
    }
    return names;
  }

  void add_tiers(const Part& part, int e, bool others, PartitionFile& file) const {
    for (const auto& tier : part.tiers) {
      std::vector<std::string> list = names(tier.second, e, others);
      if (!list.empty()) file.tiers.push_back(std::move(list));
    }
  }

  void add_mag(const Parts& parts, std::vector<AccessGroupFile>& out) const {
    std::uint64_t used = 0;
    bool normal = false;
    for (const auto& [group, part] : parts) {
      used |= part.nmp_mask;
      normal = normal || part.normal;
    }
    AccessGroupFile mag;
    for (const auto& [group, part] : parts) {
      PartitionFile file;
      const bool first = mag.partitions.empty();
      file.nmp_channels = channels(part.nmp_mask | (first ? all_ & ~used : 0));
      file.normal_channels = part.normal || (first && table_.has_normal() && !normal);
      add_tiers(part, 0, true, file);
      const bool together = has_experts(part) && has_others(part);
      for (int e = 1; together && e < table_.problem().experts; ++e) add_tiers(part, e, false, file);
      mag.partitions.push_back(std::move(file));
    }
    out.push_back(std::move(mag));
    for (const auto& [group, part] : parts) {
      if (!has_experts(part) || has_others(part)) continue;
      for (int e = 1; e < table_.problem().experts; ++e) out.push_back(expert_mag(part, e));
    }
  }

  /// A MAG of one expert, which has all channels.
  AccessGroupFile expert_mag(const Part& part, int e) const {
    PartitionFile file;
    file.nmp_channels = channels(all_);
    file.normal_channels = table_.has_normal();
    add_tiers(part, e, false, file);
    AccessGroupFile mag;
    mag.partitions.push_back(std::move(file));
    return mag;
  }

  const OperatorTable& table_;
  const FoundDataflow& found_;
  std::uint64_t all_;
};

OperatorRule head_rule_of(Executor executor, bool nmp, bool normal) {
  OperatorRule rule;
  rule.names = {"lm_head"};
  rule.executor = executor;
  rule.nmp_channels.all = nmp;
  rule.normal_channels = normal;
  if (executor == Executor::split) rule.nmp_share = ShareRule::balanced;
  return rule;
}

/// Rows from which on the form has the NPU multiply an expert sooner than the PEs that hold it; 0: at none up to 1024.
std::int64_t expert_threshold(const OperatorTable& table, const FoundDataflow& found) {
  const SearchProblem& problem = table.problem();
  const auto npu_sooner = [&](std::int64_t rows) {
    double nmp_s = 0, npu_s = 0;
    for (int op = 0; op < table.operators(); ++op) {
      const SearchOperator& o = problem.operators[static_cast<std::size_t>(op)];
      const Allotment& b = found[static_cast<std::size_t>(op)].binding;
      if (!o.expert || b.nmp == 0 || b.normal) continue;
      GemmShape shape = o.decode;
      shape.m = rows;
      cost::NmpDevice pes = problem.device.nmp;
      cost::NpuDevice npu = problem.device.npu;
      pes.channels = npu.channels = b.nmp;
      nmp_s += problem.model->nmp_operand_seconds(shape, o.bits, pes);
      npu_s += problem.model->npu_operand_seconds(shape, o.bits, npu);
    }
    return nmp_s > 0 && npu_s < nmp_s;
  };
  constexpr std::int64_t most = 1024;
  if (problem.experts == 0 || !npu_sooner(most)) return 0;
  std::int64_t low = 0, high = most;  // PEs take longer with every row, the NPU reads the same weights for all
  while (high - low > 1) (npu_sooner((low + high) / 2) ? high : low) = (low + high) / 2;
  return high;
}

}  // namespace

Dataflow written_dataflow(const OperatorTable& table, const FoundDataflow& found, const std::string& name, const OperatorRule& head) {
  const Writer writer(table, found);
  Dataflow dataflow;
  dataflow.name = name;
  for (int op = 0; op < table.operators(); ++op) dataflow.operators.push_back(writer.rule(op));
  dataflow.operators.push_back(head);
  dataflow.groups = writer.groups();
  dataflow.experts.npu_rows = expert_threshold(table, found);
  return dataflow;
}

OperatorRule balanced_head_rule(const OperatorTable& table) {
  if (table.nmp_channels() == 0) return head_rule_of(Executor::npu, false, true);
  if (!table.has_normal()) return head_rule_of(Executor::nmp, true, false);
  return head_rule_of(Executor::split, true, true);
}

Allotment best_head_allotment(const OperatorTable& head) {
  const int nmp = head.nmp_channels();
  Allotment best{nmp, head.has_normal(), 0};
  if (!best.split()) return best;
  if (head.problem().rule == BindingRule::compute_centric) {
    const Allotment on_nmp{nmp, false, 0}, on_npu{0, true, 0};
    return head.nmp_s(0, on_nmp) < head.npu_s(0, on_npu) ? on_nmp : on_npu;
  }
  double best_s = std::numeric_limits<double>::infinity();
  for (std::int64_t i = 0; i < head.shares(0, nmp); ++i) {
    const Allotment split{nmp, true, head.share(0, nmp, i)};
    const double s = std::max(head.nmp_s(0, split), head.npu_s(0, split));
    if (split.units == 0 || s >= best_s ||
        head.normal_bytes(0, split) > head.problem().channel_capacity_bytes * head.problem().device.normal_channels)
      continue;
    best_s = s;
    best = split;
  }
  return best;
}

OperatorRule best_head_rule(const OperatorTable& head) {
  OperatorRule rule = balanced_head_rule(head);
  const Allotment best = best_head_allotment(head);
  if (best.split() && best.units > 0) rule.nmp_share = storing_ratio(head, 0, best);
  return rule;
}

}  // namespace bondsim::search
