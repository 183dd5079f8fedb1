#include "mapping/search/dataflow/dataflow.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

namespace bondsim::search {
namespace {

int count_bits(std::uint64_t mask) { return __builtin_popcountll(mask); }

std::string channels_text(std::uint64_t mask) {
  std::string text;
  for (int c = 0; c < 64; ++c) {
    if ((mask >> c & 1) == 0) continue;
    int last = c;
    while (last + 1 < 64 && (mask >> (last + 1) & 1) != 0) ++last;
    if (!text.empty()) text += ',';
    text += last > c ? fmt::format("{}-{}", c, last) : fmt::format("{}", c);
    c = last;
  }
  return text;
}

std::string operator_text(const OperatorTable& table, const Placement& p, int op) {
  std::string where = channels_text(p.nmp_mask);
  if (p.binding.normal) where += where.empty() ? "n" : ",n";
  if (p.binding.split()) where += fmt::format(",{}/{}", p.binding.units, table.units(op));
  return fmt::format("{}[{}]", table.problem().operators[at(op)].name, where);
}

std::string binding_fault(const OperatorTable& table, const Placement& p, int op) {
  const std::string& name = table.problem().operators[at(op)].name;
  const Allotment& b = p.binding;
  if (b.nmp < 0 || b.nmp > table.nmp_channels() || (b.nmp == 0 && !b.normal)) return name + " is bound to no channel";
  if (b.normal && !table.has_normal()) return name + " is bound to normal channels, there are none";
  if (b.split() && table.problem().rule == BindingRule::compute_centric) return name + " is split, the compute-centric rule forbids it";
  if (b.split() && (b.units < 0 || b.units >= table.units(op))) return name + " has a share out of range";
  if (count_bits(p.nmp_mask) != b.nmp || p.nmp_mask >> table.nmp_channels() != 0) return name + " has a channel set of the wrong size";
  return "";
}

std::string order_fault(const OperatorTable& table, const FoundDataflow& dataflow) {
  for (const auto& [from, to] : table.problem().edges) {
    const Placement& a = dataflow[at(from)];
    const Placement& b = dataflow[at(to)];
    if (a.mag > b.mag || (a.mag == b.mag && a.tier >= b.tier)) {
      return fmt::format("{} runs before its input {}", table.problem().operators[at(to)].name, table.problem().operators[at(from)].name);
    }
  }
  return "";
}

std::string overlap_fault(const OperatorTable& table, const FoundDataflow& dataflow) {
  const std::vector<int> groups = partition_groups(table.problem(), dataflow);
  for (int a = 0; a < table.operators(); ++a) {
    for (int b = a + 1; b < table.operators(); ++b) {
      const Placement& x = dataflow[at(a)];
      const Placement& y = dataflow[at(b)];
      if (x.mag != y.mag) continue;
      const bool same_group = groups[at(a)] == groups[at(b)];
      const bool nmp_shared = (x.nmp_mask & y.nmp_mask) != 0 && (!same_group || x.tier == y.tier);
      const bool normal_shared = x.binding.normal && y.binding.normal && !same_group;
      if (nmp_shared || normal_shared) {
        return fmt::format("{} and {} run side by side on a common channel", table.problem().operators[at(a)].name,
                           table.problem().operators[at(b)].name);
      }
    }
  }
  return "";
}

std::string capacity_fault(const OperatorTable& table, const FoundDataflow& dataflow) {
  const std::vector<double> stored = stored_bytes(table, dataflow);
  const SearchProblem& problem = table.problem();
  for (int c = 0; c <= table.nmp_channels(); ++c) {
    const double capacity = problem.channel_capacity_bytes * (c == table.nmp_channels() ? problem.device.normal_channels : 1);
    if (stored[at(c)] > capacity) {
      return fmt::format("{} holds {:.0f} bytes of {:.0f}", c == table.nmp_channels() ? "normal memory" : fmt::format("NMP channel {}", c),
                         stored[at(c)], capacity);
    }
  }
  return "";
}

}  // namespace

std::vector<int> partition_groups(const SearchProblem& problem, const FoundDataflow& dataflow) {
  std::vector<int> group(dataflow.size());
  std::iota(group.begin(), group.end(), 0);
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& [from, to] : problem.edges) {
      if (dataflow[at(from)].mag != dataflow[at(to)].mag || group[at(from)] == group[at(to)]) continue;
      group[at(from)] = group[at(to)] = std::min(group[at(from)], group[at(to)]);
      changed = true;
    }
  }
  return group;
}

cost::LayerLatency evaluate(const OperatorTable& table, const FoundDataflow& dataflow) {
  return evaluate(table, dataflow, partition_groups(table.problem(), dataflow));
}

cost::LayerLatency evaluate(const OperatorTable& table, const FoundDataflow& dataflow, const std::vector<int>& groups) {
  constexpr int most = 64;
  const int count = table.operators();
  check(count <= most, "{} operators in a layer, at most {}", count, most);
  cost::LayerLatency latency;
  double group_s[most] = {};
  double mag_s[most] = {};
  std::uint64_t done = 0;
  for (int op = 0; op < count; ++op) {
    const Placement& p = dataflow[at(op)];
    latency.prefill_s += table.prefill_s(op, p.binding.nmp, p.binding.normal);
    if ((done >> op & 1) != 0) continue;
    double nmp_s = 0;
    double npu_s = 0;
    for (int other = op; other < count; ++other) {
      const Placement& q = dataflow[at(other)];
      if (groups[at(other)] != groups[at(op)] || q.tier != p.tier) continue;
      done |= std::uint64_t{1} << other;
      nmp_s = std::max(nmp_s, table.nmp_s(other, q.binding));
      npu_s += table.npu_s(other, q.binding);
    }
    double& group = group_s[groups[at(op)]];
    group += std::max(nmp_s, npu_s);
    mag_s[p.mag] = std::max(mag_s[p.mag], group);
  }
  for (const double s : mag_s) latency.decode_s += s;
  latency.decode_s *= table.problem().generated_tokens;
  return latency;
}

std::string structure_fault(const OperatorTable& table, const FoundDataflow& dataflow) {
  if (static_cast<int>(dataflow.size()) != table.operators()) return "not every operator is placed";
  for (int op = 0; op < table.operators(); ++op) {
    if (std::string fault = binding_fault(table, dataflow[at(op)], op); !fault.empty()) return fault;
  }
  std::string fault = order_fault(table, dataflow);
  return fault.empty() ? overlap_fault(table, dataflow) : fault;
}

std::string fault_of(const OperatorTable& table, const FoundDataflow& dataflow) {
  std::string fault = structure_fault(table, dataflow);
  return fault.empty() ? capacity_fault(table, dataflow) : fault;
}

std::vector<double> stored_bytes(const OperatorTable& table, const FoundDataflow& dataflow) {
  std::vector<double> stored(at(table.nmp_channels() + 1), 0.0);
  for (int op = 0; op < table.operators(); ++op) {
    const Placement& p = dataflow[at(op)];
    const double normal = table.normal_bytes(op, p.binding);
    stored.back() += normal;
    for (int c = 0; c < table.nmp_channels(); ++c) {
      if ((p.nmp_mask >> c & 1) != 0) stored[at(c)] += (table.bytes(op) - normal) / p.binding.nmp;
    }
  }
  return stored;
}

double storing_ratio(const OperatorTable& table, int op, const Allotment& binding) {
  if (binding.nmp == 0) return 0;
  if (!binding.normal) return 1;
  // A little above units / all, so that the product does not round below the whole number.
  return (static_cast<double>(binding.units) + 1e-6) / static_cast<double>(table.units(op));
}

std::string to_text(const OperatorTable& table, const FoundDataflow& dataflow) {
  const std::vector<int> groups = partition_groups(table.problem(), dataflow);
  std::map<std::tuple<int, int, int>, std::string> tiers;
  for (int op = 0; op < table.operators(); ++op) {
    std::string& text = tiers[{dataflow[at(op)].mag, groups[at(op)], dataflow[at(op)].tier}];
    text += (text.empty() ? "" : " + ") + operator_text(table, dataflow[at(op)], op);
  }
  std::string text;
  std::tuple<int, int, int> last{-1, -1, -1};
  for (const auto& [key, tier] : tiers) {
    if (std::get<0>(last) >= 0) {
      text += std::get<0>(key) != std::get<0>(last) ? " | " : std::get<1>(key) != std::get<1>(last) ? " || " : " > ";
    }
    text += tier;
    last = key;
  }
  return text;
}

}  // namespace bondsim::search
