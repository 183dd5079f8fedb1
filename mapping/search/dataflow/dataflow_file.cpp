#include "mapping/search/dataflow/dataflow_file.hpp"

#include <algorithm>
#include <map>

namespace bondsim::search {
namespace {

constexpr std::size_t at(int i) { return static_cast<std::size_t>(i); }

struct Partition {
  std::uint64_t nmp_mask = 0;
  bool normal = false;
  std::map<int, std::vector<std::string>> tiers;
};

std::string channel_list(const OperatorTable& table, std::uint64_t mask) {
  if (mask == 0) return "none";
  if (mask == (std::uint64_t{1} << table.nmp_channels()) - 1) return "all";
  std::vector<int> channels;
  for (int c = 0; c < table.nmp_channels(); ++c) {
    if ((mask >> c & 1) != 0) channels.push_back(c);
  }
  return fmt::format("[{}]", fmt::join(channels, ", "));
}

std::string rule_text(const OperatorTable& table, const std::string& op, const Placement& p, const std::string& share) {
  const char* executor = p.binding.split() ? "split" : p.binding.normal ? "npu" : "nmp";
  return fmt::format("  - {{names: [{}], executor: {}, nmp_channels: {}, normal_channels: {}{}}}\n", op, executor,
                     channel_list(table, p.nmp_mask), p.binding.normal, p.binding.split() ? ", nmp_share: " + share : "");
}

std::string head_rule(const OperatorTable& table) {
  const int nmp = table.nmp_channels();
  return rule_text(table, "lm_head", {0, 0, {nmp, table.has_normal(), 0}, (std::uint64_t{1} << nmp) - 1}, "balanced");
}

std::string group_text(const OperatorTable& table, std::map<int, Partition> partitions) {
  std::uint64_t used = 0;
  bool normal = false;
  for (const auto& entry : partitions) {
    used |= entry.second.nmp_mask;
    normal = normal || entry.second.normal;
  }
  Partition& first = partitions.begin()->second;
  first.nmp_mask |= ((std::uint64_t{1} << table.nmp_channels()) - 1) & ~used;
  first.normal = first.normal || (table.has_normal() && !normal);
  std::string text = "  - partitions:\n";
  for (const auto& entry : partitions) {
    const Partition& p = entry.second;
    std::vector<std::string> tiers;
    for (const auto& tier : p.tiers) tiers.push_back(fmt::format("[{}]", fmt::join(tier.second, ", ")));
    text += fmt::format("      - nmp_channels: {}\n        normal_channels: {}\n        tiers: [{}]\n", channel_list(table, p.nmp_mask),
                        p.normal, fmt::join(tiers, ", "));
  }
  return text;
}

}  // namespace

std::string to_dataflow_file(const OperatorTable& table, const Dataflow& dataflow, const std::string& name, const std::string& comment) {
  const std::vector<int> groups = partition_groups(table.problem(), dataflow);
  std::string rules;
  std::map<int, std::map<int, Partition>> mags;
  for (int op = 0; op < table.operators(); ++op) {
    const Placement& p = dataflow[at(op)];
    const std::string& op_name = table.problem().operators[at(op)].name;
    rules += rule_text(table, op_name, p, fmt::format("{:.17g}", storing_ratio(table, op, p.binding)));
    Partition& partition = mags[p.mag][groups[at(op)]];
    partition.nmp_mask |= p.nmp_mask;
    partition.normal = partition.normal || p.binding.normal;
    partition.tiers[p.tier].push_back(op_name);
  }
  std::string text =
      fmt::format("# {}\nschema: bondsim.dataflow/1\nname: {}\noperators:\n{}{}groups:\n", comment, name, rules, head_rule(table));
  for (const auto& mag : mags) text += group_text(table, mag.second);
  return text;
}

}  // namespace bondsim::search
