#include "mapping/dataflow/dataflow.hpp"

#include <algorithm>

#include "mapping/dataflow/operator_names.hpp"
#include "models/system/peaks.hpp"

namespace bondsim {
namespace {

bool names_operator(const OperatorRule& rule, const std::string& op) {
  return std::any_of(rule.names.begin(), rule.names.end(), [&](const std::string& name) {
    return name == op || name == expert_operator(op) || in_operator_class(expert_operator(op), name);
  });
}

/// Part of a split operator for the NMP channels when each side's memory bandwidth gets work in proportion.
double balanced_share(const Binding& b, const System& system) {
  double nmp = 0;
  for (const int c : b.nmp_channels) nmp += system.dram_of(c).organization.banks() * system.nmp_of(c).hb.bandwidth_gbps;
  double normal = 0;
  for (const int c : b.normal_channels) normal += bus_gbps(system.dram_of(c));
  return nmp / (nmp + normal);
}

void check_executor(const OperatorRule& rule, const Binding& b, const System& system) {
  const char* key = "dataflow.operators.executor";
  if (rule.executor != Executor::npu && b.nmp_channels.empty()) {
    config_error(rule.where, key,
                 fmt::format("'{}' needs NMP channels, the rule binds none of the system's {}", enum_name(rule.executor),
                             system.nmp_channel_count()));
  }
  if (rule.executor == Executor::nmp && !b.normal_channels.empty()) {
    config_error(rule.where, key, "'nmp' runs where the operand lies, allowed: normal_channels: false (or executor split)");
  }
  if (rule.executor == Executor::split && b.normal_channels.empty()) {
    config_error(rule.where, key, "'split' needs normal channels for the NPU's part, the rule binds none");
  }
  if ((rule.executor == Executor::split) != rule.share_given) {
    config_error(rule.where, "dataflow.operators.nmp_share",
                 "given for executor split and for no other, allowed: above 0, below 1, or balanced");
  }
  if (b.nmp_channels.empty() && b.normal_channels.empty()) {
    config_error(rule.where, "dataflow.operators.nmp_channels", "no channel holds the operators of this rule, allowed: at least one");
  }
}

Binding bind(const OperatorRule& rule, const System& system) {
  Binding b;
  b.executor = rule.executor;
  b.nmp_channels = resolve_channels(rule.nmp_channels, system.nmp_channels());
  if (rule.normal_channels) b.normal_channels = system.normal_channels();
  check_executor(rule, b, system);
  if (rule.executor == Executor::split) b.nmp_share = rule.nmp_share ? *rule.nmp_share : balanced_share(b, system);
  return b;
}

}  // namespace

std::vector<int> Binding::all_channels() const {
  std::vector<int> all = nmp_channels;
  all.insert(all.end(), normal_channels.begin(), normal_channels.end());
  return all;
}

ResolvedDataflow resolve(const Dataflow& dataflow, const System& system, const OperatorGraph& layer, const OperatorGraph& head) {
  ResolvedDataflow out;
  out.name_ = dataflow.name;
  out.split_ = dataflow.split;
  GroupChecks checks;
  checks.operators = gemm_names(layer);
  std::vector<std::string> gemms = checks.operators;
  for (const std::string& name : gemm_names(head)) gemms.push_back(name);
  for (const std::string& gemm : gemms) {
    const auto rule =
        std::find_if(dataflow.operators.begin(), dataflow.operators.end(), [&](const OperatorRule& r) { return names_operator(r, gemm); });
    if (rule == dataflow.operators.end()) {
      throw ConfigError(fmt::format("dataflow {}: operators: no rule names {}, allowed: a rule for every GEMM of the model ({})",
                                    dataflow.name, gemm, fmt::join(gemms, ", ")));
    }
    out.bindings_[gemm] = bind(*rule, system);
  }
  if (dataflow.groups.empty()) return out;
  checks.known = known_operators();
  checks.edges = gemm_edges(layer);
  for (const std::string& name : checks.operators) checks.bindings.emplace_back(name, out.bindings_.at(name));
  checks.nmp = system.nmp_channels();
  checks.normal = static_cast<int>(system.normal_channels().size());
  checks.vector_units = system.npu.vector_units;
  out.groups_ = check_groups(dataflow.groups, checks);
  return out;
}

}  // namespace bondsim
