#include "mapping/dataflow/dataflow.hpp"

#include <algorithm>
#include <numeric>
#include <set>

#include "mapping/dataflow/operator_names.hpp"
#include "models/dram/timing/bus_refresh.hpp"
#include "models/dram/timing/port_timing.hpp"
#include "models/system/peaks.hpp"

namespace bondsim {
namespace {

/// Operators of a given graph have names of their own: the classes of weight GEMMs, or of attention, name them.
bool in_class(const std::string& op, bool attention, const std::string& name) {
  const auto& known = known_operators();
  if (std::find(known.begin(), known.end(), op) != known.end()) return in_operator_class(op, name);
  return name == "all" || name == (attention ? "attention" : "weights");
}

/// @param attention the operator multiplies with a cache
bool names_operator(const OperatorRule& rule, const std::string& op, bool attention) {
  return std::any_of(rule.names.begin(), rule.names.end(), [&](const std::string& name) {
    return name == op || name == expert_operator(op) || in_class(expert_operator(op), attention, name);
  });
}

/// Names of the GEMMs of a layer that multiply with caches.
std::set<std::string> attention_names(const OperatorGraph& layer) {
  std::set<std::string> names;
  for (OperatorId v = 0; v < layer.size(); ++v) {
    if (layer[v].is_gemm() && layer[v].kind != OperatorKind::weight_gemm) names.insert(layer[v].name);
  }
  return names;
}

/// GB/s that the ports of a channel's banks give a stream of whole rows, between row changes and refreshes.
double sustained_ports_gbps(const System& system, int channel) {
  const DramConfig& dram = system.dram_of(channel);
  const PortTiming port = system.fidelity.refresh ? port_timing(dram, system.nmp_of(channel), system.controller_of(channel))
                                                  : port_timing(dram, system.nmp_of(channel), false);
  const double row = static_cast<double>(row_period_ps(port, port.page_accesses(), false));
  const double refreshed = port.refi > 0 ? static_cast<double>(refresh_ps(port)) / static_cast<double>(port.refi) : 0;
  return dram.organization.banks() * static_cast<double>(port.page_bytes) / row * 1e3 * (1 - refreshed);
}

/// GB/s of a channel's bus beside its refreshes; under REFpb a stream waits where its own bank is refreshed, once in the interval of REFab.
double sustained_bus_gbps(const System& system, int channel) {
  const DramConfig& dram = system.dram_of(channel);
  const RefreshKind kind = system.fidelity.refresh ? system.controller_of(channel).refresh : RefreshKind::none;
  if (kind == RefreshKind::none) return bus_gbps(dram);
  const auto interval_ps = static_cast<double>(refresh_period(dram, RefreshKind::all_bank).value);
  const double refreshed_ps = kind == RefreshKind::all_bank ? bus_refresh_ps(dram.timing) : dram.timing.t_rfc_pb_ns * 1e3;
  return bus_gbps(dram) * std::max(0.0, 1 - refreshed_ps / interval_ps);
}

/// Part of a split operator for the NMP channels when each side's memory bandwidth gets work in proportion: the peaks, or what is left of
/// them.
double proportional_share(const Binding& b, const System& system, bool sustained) {
  double nmp = 0, normal = 0;
  for (const int c : b.nmp_channels) {
    nmp += sustained ? sustained_ports_gbps(system, c) : system.dram_of(c).organization.banks() * system.nmp_of(c).hb.bandwidth_gbps;
  }
  for (const int c : b.normal_channels) normal += sustained ? sustained_bus_gbps(system, c) : bus_gbps(system.dram_of(c));
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
  if ((rule.executor == Executor::split) != rule.nmp_share.has_value()) {
    config_error(rule.where, "dataflow.operators.nmp_share",
                 "given for executor split and for no other, allowed: above 0, below 1, balanced or sustained");
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
  if (rule.executor == Executor::split) {
    const auto* number = std::get_if<double>(&*rule.nmp_share);
    b.nmp_share = number != nullptr ? *number : proportional_share(b, system, *rule.nmp_share == NmpShare(ShareRule::sustained));
  }
  return b;
}

/// Gives each expert on NMP channels one of those of its rule.
void place_experts(ExpertPlacement placement, const OperatorGraph& layer, std::vector<double> load,
                   std::map<std::string, Binding>& bindings) {
  int experts = 0;
  for (OperatorId v = 0; v < layer.size(); ++v) experts = std::max(experts, layer[v].expert + 1);
  load.resize(static_cast<std::size_t>(experts), load.empty() ? 1.0 : 0.0);
  for (OperatorId v = 0; v < layer.size(); ++v) {
    if (layer[v].expert < 0 || !layer[v].is_gemm()) continue;
    Binding& b = bindings.at(layer[v].name);
    if (b.executor != Executor::nmp) continue;
    const auto of = expert_channels(placement, load, static_cast<int>(b.nmp_channels.size()));
    b.nmp_channels = {b.nmp_channels[static_cast<std::size_t>(of[static_cast<std::size_t>(layer[v].expert)])]};
  }
}

/// NMP channels of the rules for vector operators, by kind; the first rule that names a kind counts.
std::map<VectorKind, std::vector<int>> bind_vectors(const std::vector<VectorRule>& rules, const System& system) {
  std::map<VectorKind, std::vector<int>> channels;
  for (const VectorRule& rule : rules) {
    std::vector<int> bound;
    if (rule.executor == Executor::nmp) {
      bound = resolve_channels(rule.nmp_channels, system.nmp_channels());
      if (bound.empty()) {
        config_error(rule.where, "dataflow.vector.nmp_channels",
                     fmt::format("'nmp' needs NMP channels, the rule binds none of the system's {}", system.nmp_channel_count()));
      }
      for (const int c : bound) {
        if (system.nmp_of(c).vector.lanes > 0) continue;
        config_error(rule.where, "dataflow.vector.executor",
                     fmt::format("'nmp' on channel {} of {}, which has no vector unit (nmp.vector.lanes: 0), allowed: npu, or channels "
                                 "with lanes",
                                 c, system.name));
      }
    }
    for (const auto& named : enum_names<VectorKind>) {
      if (std::find(rule.kinds.begin(), rule.kinds.end(), named.first) != rule.kinds.end()) channels.emplace(named.second, bound);
    }
  }
  return channels;
}

}  // namespace

const std::vector<VectorKind>& kinds_beside_banks() {
  static const std::vector<VectorKind> kinds = {VectorKind::activation, VectorKind::residual, VectorKind::norm, VectorKind::rotary};
  return kinds;
}

std::vector<int> Binding::all_channels() const {
  std::vector<int> all = nmp_channels;
  all.insert(all.end(), normal_channels.begin(), normal_channels.end());
  return all;
}

std::vector<int> expert_channels(ExpertPlacement placement, const std::vector<double>& load, int channels) {
  std::vector<int> of(load.size(), 0);
  std::vector<std::size_t> order(load.size());
  std::iota(order.begin(), order.end(), 0);
  if (placement == ExpertPlacement::round_robin) {
    for (const std::size_t e : order) of[e] = static_cast<int>(e % static_cast<std::size_t>(channels));
    return of;
  }
  // Longest first to the channel with least (Graham, 1969): at most 4/3 of the best.
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return load[a] > load[b]; });
  std::vector<double> held(static_cast<std::size_t>(channels), 0);
  for (const std::size_t e : order) {
    const auto least = std::min_element(held.begin(), held.end()) - held.begin();
    of[e] = static_cast<int>(least);
    held[static_cast<std::size_t>(least)] += load[e];
  }
  return of;
}

ResolvedDataflow resolve(const Dataflow& dataflow, const System& system, const OperatorGraph& layer, const OperatorGraph& head,
                         const std::vector<double>& expert_load) {
  ResolvedDataflow out;
  out.name_ = dataflow.name;
  out.split_ = dataflow.split;
  out.prefill_copies_ = dataflow.prefill_copies;
  out.prefill_head_ = dataflow.prefill_head;
  if (dataflow.prefill_copies > 0 && system.normal_channels().empty())
    throw ConfigError(fmt::format("dataflow.prefill_copies: {} found, but {} has no normal channel to hold copies, allowed: 0",
                                  dataflow.prefill_copies, system.name));
  GroupChecks checks;
  checks.operators = gemm_names(layer);
  std::vector<std::string> gemms = checks.operators;
  for (const std::string& name : gemm_names(head)) gemms.push_back(name);
  const std::set<std::string> attention = attention_names(layer);
  for (const std::string& gemm : gemms) {
    const auto rule = std::find_if(dataflow.operators.begin(), dataflow.operators.end(),
                                   [&](const OperatorRule& r) { return names_operator(r, gemm, attention.count(gemm) > 0); });
    if (rule == dataflow.operators.end()) {
      const ConfigNode none;
      config_error(dataflow.operators.empty() ? none : dataflow.operators.front().where, "dataflow.operators",
                   fmt::format("no rule of {} names {}, allowed: a rule for every GEMM of the model ({})", dataflow.name, gemm,
                               fmt::join(gemms, ", ")));
    }
    out.bindings_[gemm] = bind(*rule, system);
  }
  out.npu_rows_ = dataflow.experts.npu_rows;
  out.vector_channels_ = bind_vectors(dataflow.vectors, system);
  out.attention_overlap_ = dataflow.attention_overlap;
  if (dataflow.attention_overlap && !dataflow.groups.empty()) {
    throw ConfigError(
        fmt::format("dataflow {}: attention_overlap: true, but its groups run tier by tier, allowed with groups: false", dataflow.name));
  }
  if (dataflow.experts.placement != ExpertPlacement::spread) place_experts(dataflow.experts.placement, layer, expert_load, out.bindings_);
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
