#include "mapping/dataflow/dataflow.hpp"

#include <algorithm>
#include <numeric>
#include <set>

namespace bondsim {
namespace {

/// Operator names and classes a rule may use. A class stands for the operators after it; a model has some or all of them.
const std::vector<std::pair<std::string, std::vector<std::string>>>& operator_classes() {
  static const std::vector<std::pair<std::string, std::vector<std::string>>> list = {
      {"all", {"q", "k", "v", "qk", "sv", "o", "f1", "f3", "f2", "lm_head"}},
      {"weights", {"q", "k", "v", "o", "f1", "f3", "f2", "lm_head"}},
      {"attention", {"qk", "sv"}},
      {"projections", {"q", "k", "v", "o"}},
      {"ffn", {"f1", "f3", "f2"}}};
  return list;
}

bool names_operator(const OperatorRule& rule, const std::string& op) {
  for (const std::string& name : rule.names) {
    if (name == op) return true;
    for (const auto& entry : operator_classes()) {
      if (entry.first == name && std::find(entry.second.begin(), entry.second.end(), op) != entry.second.end()) return true;
    }
  }
  return false;
}

void require_known_names(const OperatorRule& rule) {
  const auto& everything = operator_classes().front().second;
  for (const std::string& name : rule.names) {
    bool known = std::find(everything.begin(), everything.end(), name) != everything.end();
    std::string allowed = fmt::format("{}", fmt::join(everything, ", "));
    for (const auto& entry : operator_classes()) {
      known = known || entry.first == name;
      allowed += ", " + entry.first;
    }
    if (!known) config_error(rule.where, "dataflow.operators.names", "'" + name + "' is not an operator, allowed: " + allowed);
  }
}

ChannelSet decode_channels(const ConfigNode& node, const std::string& path) {
  ChannelSet set;
  set.where = node;
  if (node.kind == ConfigNode::Kind::sequence) {
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      set.channels.push_back(static_cast<int>(parse_integer(node.items[i], fmt::format("{}[{}]", path, i))));
    }
    return set;
  }
  const std::string text = parse_string(node, path);
  if (text != "all" && text != "none")
    config_error(node, path, "'" + text + "' is not known, allowed: all, none, or a list of NMP channels");
  set.all = text == "all";
  return set;
}

std::vector<int> resolve_channels(const ChannelSet& set, int nmp) {
  std::vector<int> channels = set.channels;
  if (set.all) {
    channels.resize(static_cast<std::size_t>(nmp));
    std::iota(channels.begin(), channels.end(), 0);
  }
  std::sort(channels.begin(), channels.end());
  for (std::size_t i = 0; i < channels.size(); ++i) {
    if (channels[i] < 0 || channels[i] >= nmp) {
      config_error(set.where, "dataflow.nmp_channels", fmt::format("{} is not an NMP channel, allowed: 0 to {}", channels[i], nmp - 1));
    }
    if (i > 0 && channels[i] == channels[i - 1]) {
      config_error(set.where, "dataflow.nmp_channels", fmt::format("channel {} is named twice, allowed: once", channels[i]));
    }
  }
  return channels;
}

Binding bind(const OperatorRule& rule, const System& system) {
  Binding b;
  b.executor = rule.executor;
  b.nmp_share = rule.nmp_share;
  b.nmp_channels = resolve_channels(rule.nmp_channels, system.channels.nmp);
  for (int c = system.channels.nmp; rule.normal_channels && c < system.channels.total(); ++c) b.normal_channels.push_back(c);
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
  if ((rule.executor == Executor::split) != (rule.nmp_share > 0)) {
    config_error(rule.where, "dataflow.operators.nmp_share", "given for executor split and for no other, allowed: above 0, below 1");
  }
  if (b.nmp_channels.empty() && b.normal_channels.empty()) {
    config_error(rule.where, "dataflow.operators.nmp_channels", "no channel holds the operators of this rule, allowed: at least one");
  }
  return b;
}

}  // namespace

std::vector<int> Binding::all_channels() const {
  std::vector<int> all = nmp_channels;
  all.insert(all.end(), normal_channels.begin(), normal_channels.end());
  return all;
}

template <>
void fields<Decoder>(Decoder& v, OperatorRule& c) {
  c.where = v.node();
  v.field("names", c.names, required("GEMMs by name, or classes of them"));
  v.field("executor", c.executor, required("who multiplies: the NPU, the PEs, or both"));
  const ConfigNode* channels = v.raw("nmp_channels", required("NMP channels that hold the operand: all, none or a list"));
  c.nmp_channels = decode_channels(*channels, v.path_of("nmp_channels"));
  v.field("normal_channels", c.normal_channels, required("the normal channels hold the operand too"));
  v.field("nmp_share", c.nmp_share,
          defaulted("executor split: part of N (weights) or of the heads (attention) on the NMP channels").range(0, 1));
}

Dataflow decode_dataflow(const ConfigNode& node) {
  auto dataflow = decode_document<Dataflow>(node, "dataflow", "bondsim.dataflow/1");
  for (const OperatorRule& rule : dataflow.operators) require_known_names(rule);
  return dataflow;
}

ResolvedDataflow resolve(const Dataflow& dataflow, const System& system, const std::vector<std::string>& gemms) {
  ResolvedDataflow out;
  out.name = dataflow.name;
  out.split = dataflow.split;
  for (const std::string& gemm : gemms) {
    const auto rule =
        std::find_if(dataflow.operators.begin(), dataflow.operators.end(), [&](const OperatorRule& r) { return names_operator(r, gemm); });
    if (rule == dataflow.operators.end()) {
      throw ConfigError(fmt::format("dataflow {}: operators: no rule names {}, allowed: a rule for every GEMM of the model ({})",
                                    dataflow.name, gemm, fmt::join(gemms, ", ")));
    }
    out.bindings[gemm] = bind(*rule, system);
  }
  return out;
}

}  // namespace bondsim
