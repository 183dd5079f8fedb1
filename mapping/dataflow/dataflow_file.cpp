// The reader and the writer of dataflow files.
#include <algorithm>

#include "mapping/dataflow/dataflow.hpp"
#include "mapping/dataflow/operator_names.hpp"
#include "models/base/schema.hpp"

namespace bondsim {
namespace {

void require_known_names(const OperatorRule& rule) {
  for (const std::string& name : rule.names) {
    const auto& operators = known_operators();
    bool known = std::find(operators.begin(), operators.end(), expert_operator(name)) != operators.end();
    std::string allowed = fmt::format("{}", fmt::join(operators, ", "));
    for (const auto& entry : operator_classes()) {
      known = known || entry.first == name;
      allowed += ", " + entry.first;
    }
    if (!known) config_error(rule.where, "dataflow.operators.names", "'" + name + "' is not an operator, allowed: " + allowed);
  }
}

void require_known_kinds(const VectorRule& rule) {
  std::vector<std::string> allowed;
  for (const VectorKind kind : kinds_beside_banks()) allowed.emplace_back(enum_name(kind));
  for (const std::string& kind : rule.kinds) {
    if (std::find(allowed.begin(), allowed.end(), kind) != allowed.end()) continue;
    config_error(rule.where, "dataflow.vector.kinds",
                 fmt::format("'{}', allowed: {} (others take values of several channels together)", kind, fmt::join(allowed, ", ")));
  }
  if (rule.kinds.empty())
    config_error(rule.where, "dataflow.vector.kinds", "none named, allowed: " + fmt::format("{}", fmt::join(allowed, ", ")));
  if (rule.executor == Executor::split) config_error(rule.where, "dataflow.vector.executor", "'split', allowed: npu, nmp");
}

/// A plain scalar where YAML reads one as it stands, else in quotes.
std::string scalar_text(const std::string& text) {
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' || c == '-';
  });
  if (plain && text.front() != '-' && text.front() != '.') return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

std::string list_text(const std::vector<std::string>& names) {
  std::vector<std::string> texts;
  texts.reserve(names.size());
  for (const std::string& name : names) texts.push_back(scalar_text(name));
  return fmt::format("[{}]", fmt::join(texts, ", "));
}

std::string channels_text(const ChannelSet& set) {
  if (set.all) return "all";
  return set.channels.empty() ? "none" : fmt::format("[{}]", fmt::join(set.channels, ", "));
}

std::string share_text(const NmpShare& share) {
  if (const auto* number = std::get_if<double>(&share)) return fmt::format("{:.17g}", *number);
  return enum_name(std::get<ShareRule>(share));
}

std::string rule_text(const OperatorRule& rule) {
  return fmt::format("  - {{names: {}, executor: {}, nmp_channels: {}, normal_channels: {}{}}}\n", list_text(rule.names),
                     enum_name(rule.executor), channels_text(rule.nmp_channels), rule.normal_channels,
                     rule.nmp_share ? ", nmp_share: " + share_text(*rule.nmp_share) : "");
}

std::string partition_text(const PartitionFile& partition) {
  std::vector<std::string> tiers;
  for (const auto& tier : partition.tiers) tiers.push_back(list_text(tier));
  return fmt::format("      - nmp_channels: {}\n        normal_channels: {}\n        tiers: [{}]\n", channels_text(partition.nmp_channels),
                     partition.normal_channels, fmt::join(tiers, ", "));
}

}  // namespace

template <class Visitor>
void fields(Visitor& v, OperatorRule& c) {
  c.where = v.node();
  v.field("names", c.names, required("GEMMs by name, or classes of them"));
  v.field("executor", c.executor, required("who multiplies: the NPU, the PEs, or both"));
  channels_field(v, c.nmp_channels, "NMP channels that hold the operand");
  v.field("normal_channels", c.normal_channels, required("the normal channels hold the operand too"));
  const ConfigNode* share = v.raw(
      "nmp_share",
      defaulted("executor split: part of N (weights) or of the heads (attention) on the NMP channels, to the nearest column or head")
          .shaped("a number above 0 and below 1, balanced or sustained",
                  R"({"anyOf": [{"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, {"enum": ["balanced", "sustained"]}]})"));
  if (share == nullptr) return;
  for (const auto& [name, rule] : enum_names<ShareRule>) {
    if (share->text != name) continue;
    c.nmp_share = rule;
    return;
  }
  const double number = parse_number(*share, v.path_of("nmp_share"));
  c.nmp_share = number;
  if (number <= 0 || number >= 1) {
    config_error(*share, v.path_of("nmp_share"), share->text + " is out of range, allowed: above 0, below 1, balanced or sustained");
  }
}

template void fields(Decoder& v, OperatorRule& c);
template void fields(Describer& v, OperatorRule& c);

template <class Visitor>
void fields(Visitor& v, VectorRule& c) {
  c.where = v.node();
  v.field("kinds", c.kinds, required("kinds of vector operators: activation, residual, norm, rotary"));
  v.field("executor", c.executor, required("who does them: the NPU, or the vector units of NMP channels (nmp)"));
  channels_field(v, c.nmp_channels, "NMP channels that do them; none with executor npu");
}

template void fields(Decoder& v, VectorRule& c);
template void fields(Describer& v, VectorRule& c);

Dataflow decode_dataflow(const ConfigNode& node) {
  auto dataflow = decode_document<Dataflow>(node, "dataflow", "bondsim.dataflow/1");
  for (const OperatorRule& rule : dataflow.operators) require_known_names(rule);
  for (const VectorRule& rule : dataflow.vectors) require_known_kinds(rule);
  return dataflow;
}

std::string to_file(const Dataflow& dataflow, const std::string& comment) {
  std::string text = comment.empty() ? "" : fmt::format("# {}\n", comment);
  text +=
      fmt::format("schema: bondsim.dataflow/1\nname: {}\nsplit: {}\noperators:\n", scalar_text(dataflow.name), enum_name(dataflow.split));
  if (dataflow.prefill_head != PrefillHead::npu) text.insert(text.rfind("operators:"), "prefill_head: as_decode\n");
  if (dataflow.prefill_copies > 0) text.insert(text.rfind("operators:"), fmt::format("prefill_copies: {:.17g}\n", dataflow.prefill_copies));
  for (const OperatorRule& rule : dataflow.operators) text += rule_text(rule);
  const ExpertRule& experts = dataflow.experts;
  if (experts.placement != ExpertPlacement::spread || experts.npu_rows > 0) {
    text += fmt::format("experts: {{placement: {}, npu_rows: {}}}\n", enum_name(experts.placement), experts.npu_rows);
  }
  if (!dataflow.vectors.empty()) text += "vector:\n";
  for (const VectorRule& rule : dataflow.vectors) {
    text += fmt::format("  - {{kinds: {}, executor: {}, nmp_channels: {}}}\n", list_text(rule.kinds), enum_name(rule.executor),
                        channels_text(rule.nmp_channels));
  }
  if (dataflow.attention_overlap) text += "attention_overlap: true\n";
  if (!dataflow.groups.empty()) text += "groups:\n";
  for (const AccessGroupFile& group : dataflow.groups) {
    text += "  - partitions:\n";
    for (const PartitionFile& partition : group.partitions) text += partition_text(partition);
  }
  return text;
}

}  // namespace bondsim
