#include "mapping/llm/artifact.hpp"

#include <algorithm>
#include <filesystem>
#include <map>

#include "mapping/llm/graph.hpp"

namespace bondsim {
namespace {

using Edges = std::vector<std::pair<std::string, std::string>>;

std::map<std::int64_t, std::string> nodes_of(const ConfigNode& graph) {
  const ConfigNode* nodes = graph.find("node");
  if (nodes == nullptr || nodes->kind != ConfigNode::Kind::map) config_error(graph, "node", "missing, an object {name: id} is expected");
  std::map<std::int64_t, std::string> names;
  for (const auto& [name, id] : nodes->entries) {
    if (!names.insert({parse_integer(id, "node." + name), name}).second)
      config_error(id, "node." + name, "the id " + id.text + " is given twice");
  }
  return names;
}

Edges edges_of(const ConfigNode& graph, const std::map<std::int64_t, std::string>& names) {
  const ConfigNode* list = graph.find("edge");
  if (list == nullptr || list->kind != ConfigNode::Kind::sequence) config_error(graph, "edge", "missing, a list of [from, to] is expected");
  Edges edges;
  for (const ConfigNode& item : list->items) {
    if (item.items.size() != 2) config_error(item, "edge", "a pair [from, to] is expected");
    const auto from = names.find(parse_integer(item.items[0], "edge"));
    const auto to = names.find(parse_integer(item.items[1], "edge"));
    if (from == names.end() || to == names.end()) {
      config_error(item, "edge", fmt::format("[{}, {}] names an id without a node", item.items[0].text, item.items[1].text));
    }
    edges.emplace_back(from->second, to->second);
  }
  std::sort(edges.begin(), edges.end());
  return edges;
}

/// The first edge of one list that the other lacks, as text.
std::string first_difference(const Edges& found, const Edges& known) {
  for (const auto& e : found) {
    if (!std::binary_search(known.begin(), known.end(), e)) return fmt::format("edge {} -> {} is not in it", e.first, e.second);
  }
  for (const auto& e : known) {
    if (!std::binary_search(found.begin(), found.end(), e)) return fmt::format("edge {} -> {} is missing", e.first, e.second);
  }
  return "";
}

/// Sizes under one of their names.
class ShapeFile {
 public:
  explicit ShapeFile(const ConfigNode& node) : node_(node) {}

  const ConfigNode* find(const std::vector<const char*>& names) const {
    for (const char* name : names) {
      if (const ConfigNode* child = node_.find(name)) return child;
    }
    return nullptr;
  }
  std::int64_t count(const std::vector<const char*>& names) const {
    const ConfigNode* child = find(names);
    if (child == nullptr) config_error(node_, "shape", fmt::format("a size is missing, give one of: {}", fmt::join(names, ", ")));
    const std::int64_t value = parse_integer(*child, std::string("shape.") + names.front());
    if (value < 1 || value > (1 << 24))
      config_error(*child, std::string("shape.") + names.front(), child->text + " is out of range, allowed: 1 to 16777216");
    return value;
  }
  std::int64_t count_or(const std::vector<const char*>& names, std::int64_t otherwise) const {
    return find(names) != nullptr ? count(names) : otherwise;
  }

 private:
  const ConfigNode& node_;
};

void read_sizes(const ConfigNode& node, Model& m) {
  const ShapeFile shape(node);
  m.layers = static_cast<int>(shape.count({"num_hidden_layers", "layers", "num_layers", "layer_num"}));
  m.hidden = shape.count({"hidden_size", "hidden", "hidden_dim", "d_model"});
  m.intermediate = shape.count({"intermediate_size", "intermediate", "ffn_dim", "inter_size"});
  m.query_heads = shape.count({"num_attention_heads", "query_heads", "num_heads", "head_num", "heads"});
  m.kv_heads = shape.count_or({"num_key_value_heads", "kv_heads", "num_kv_heads", "kv_head_num"}, m.query_heads);
  m.head_dim = shape.count_or({"head_dim"}, m.hidden / m.query_heads);
  m.vocab = shape.count({"vocab_size", "vocab"});
  m.max_context = shape.count_or({"max_position_embeddings", "max_seq", "max_seq_len", "max_context"}, 2048);
}

}  // namespace

Model decode_artifact(const ConfigNode& graph) {
  const auto names = nodes_of(graph);
  const Edges found = edges_of(graph, names);
  const bool gated = std::any_of(names.begin(), names.end(), [](const auto& n) { return n.second == "f3"; });
  const bool parallel = std::none_of(found.begin(), found.end(), [](const auto& e) { return e.first == "o"; });

  const std::filesystem::path beside = std::filesystem::path(directory_of(graph)) / "shape.json";
  Model m;
  m.name = std::filesystem::absolute(beside).parent_path().filename().string();
  m.gated_ffn = gated;
  m.parallel_block = parallel;
  m.activation = gated ? ActivationKind::silu : ActivationKind::relu;
  m.norm = gated ? NormKind::rms_norm : NormKind::layer_norm;
  m.position = gated ? PositionKind::rotary : PositionKind::learned;
  read_sizes(load_yaml_file(beside.string()), m);

  const OperatorGraph known = layer_graph(m);
  const auto gemms = gemm_names(known);
  for (const auto& [id, name] : names) {
    if (std::find(gemms.begin(), gemms.end(), name) == gemms.end()) {
      config_error(*graph.find("node"), "node." + name, fmt::format("not an operator of a layer, allowed: {}", fmt::join(gemms, ", ")));
    }
  }
  const std::string difference = first_difference(found, gemm_edges(known));
  if (!difference.empty()) {
    config_error(*graph.find("edge"), "edge",
                 fmt::format("not the graph of a {} layer {} gate: {}", parallel ? "parallel" : "sequential", gated ? "with" : "without",
                             difference));
  }
  return m;
}

}  // namespace bondsim
