#include "mapping/dataflow/dataflow.hpp"

#include <algorithm>

#include "models/base/schema.hpp"
#include "models/system/peaks.hpp"

namespace bondsim {
namespace {

/// Operator names and classes a rule may use. A class stands for the operators after it; a model has some or all of them.
const std::vector<std::pair<std::string, std::vector<std::string>>>& operator_classes() {
  static const std::vector<std::pair<std::string, std::vector<std::string>>> list = {
      {"all", {"q", "k", "v", "qk", "sv", "o", "router", "f1", "f3", "f2", "lm_head"}},
      {"weights", {"q", "k", "v", "o", "router", "f1", "f3", "f2", "lm_head"}},
      {"attention", {"qk", "sv"}},
      {"projections", {"q", "k", "v", "o"}},
      {"ffn", {"router", "f1", "f3", "f2"}}};
  return list;
}

const std::vector<std::string>& every_operator() { return operator_classes().front().second; }

bool contains(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

bool names_operator(const OperatorRule& rule, const std::string& op) {
  for (const std::string& name : rule.names) {
    if (name == op || name == expert_operator(op)) return true;
    for (const auto& entry : operator_classes()) {
      if (entry.first == name && contains(entry.second, expert_operator(op))) return true;
    }
  }
  return false;
}

void require_known_names(const OperatorRule& rule) {
  for (const std::string& name : rule.names) {
    bool known = contains(every_operator(), expert_operator(name));
    std::string allowed = fmt::format("{}", fmt::join(every_operator(), ", "));
    for (const auto& entry : operator_classes()) {
      known = known || entry.first == name;
      allowed += ", " + entry.first;
    }
    if (!known) config_error(rule.where, "dataflow.operators.names", "'" + name + "' is not an operator, allowed: " + allowed);
  }
}

/// Part of a split operator for the NMP channels when each side's memory bandwidth gets work in proportion.
double balanced_share(const Binding& b, const System& system) {
  const auto& dram = system.dram;
  const double nmp = static_cast<double>(b.nmp_channels.size()) * dram.organization.banks() * system.nmp.hb.bandwidth_gbps;
  const double normal = static_cast<double>(b.normal_channels.size()) * bus_gbps(dram);
  return nmp / (nmp + normal);
}

void check_executor(const OperatorRule& rule, const Binding& b, const System& system) {
  const char* key = "dataflow.operators.executor";
  if (rule.executor != Executor::npu && b.nmp_channels.empty()) {
    config_error(
        rule.where, key,
        fmt::format("'{}' needs NMP channels, the rule binds none of the system's {}", enum_name(rule.executor), system.channels.nmp));
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
  b.nmp_channels = resolve_channels(rule.nmp_channels, system.channels.nmp);
  for (int c = system.channels.nmp; rule.normal_channels && c < system.channels.total(); ++c) b.normal_channels.push_back(c);
  check_executor(rule, b, system);
  if (rule.executor == Executor::split) b.nmp_share = rule.nmp_share ? *rule.nmp_share : balanced_share(b, system);
  return b;
}

}  // namespace

std::string expert_operator(const std::string& name) {
  const std::size_t dot = name.find('.');
  const bool expert = dot != std::string::npos && dot > 1 && name[0] == 'e' && name.find_first_not_of("0123456789", 1) == dot;
  return expert ? name.substr(dot + 1) : name;
}

std::vector<int> Binding::all_channels() const {
  std::vector<int> all = nmp_channels;
  all.insert(all.end(), normal_channels.begin(), normal_channels.end());
  return all;
}

template <class Visitor>
void fields(Visitor& v, OperatorRule& c) {
  c.where = v.node();
  v.field("names", c.names, required("GEMMs by name, or classes of them"));
  v.field("executor", c.executor, required("who multiplies: the NPU, the PEs, or both"));
  const ConfigNode* channels = v.raw("nmp_channels", channels_info("NMP channels that hold the operand"));
  if (channels != nullptr) c.nmp_channels = decode_channels(*channels, v.path_of("nmp_channels"));
  v.field("normal_channels", c.normal_channels, required("the normal channels hold the operand too"));
  const ConfigNode* share =
      v.raw("nmp_share",
            defaulted("executor split: part of N (weights) or of the heads (attention) on the NMP channels, to the nearest column or head")
                .shaped("a number above 0 and below 1, or balanced",
                        R"({"anyOf": [{"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, {"const": "balanced"}]})"));
  c.share_given = share != nullptr;
  if (share == nullptr || share->text == "balanced") return;
  c.nmp_share = parse_number(*share, v.path_of("nmp_share"));
  if (*c.nmp_share <= 0 || *c.nmp_share >= 1) {
    config_error(*share, v.path_of("nmp_share"), share->text + " is out of range, allowed: above 0, below 1, or balanced");
  }
}

template void fields(Decoder& v, OperatorRule& c);
template void fields(Describer& v, OperatorRule& c);

Dataflow decode_dataflow(const ConfigNode& node) {
  auto dataflow = decode_document<Dataflow>(node, "dataflow", "bondsim.dataflow/1");
  for (const OperatorRule& rule : dataflow.operators) require_known_names(rule);
  return dataflow;
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
  checks.known = every_operator();
  checks.edges = gemm_edges(layer);
  for (const std::string& name : checks.operators) checks.bindings.emplace_back(name, out.bindings_.at(name));
  checks.nmp = system.channels.nmp;
  checks.normal = system.channels.normal;
  checks.vector_units = system.npu.vector_units;
  out.groups_ = check_groups(dataflow.groups, checks);
  return out;
}

}  // namespace bondsim
