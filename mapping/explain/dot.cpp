#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "mapping/explain/explain.hpp"

namespace bondsim {
namespace {

const char* colour(const Plan& plan, const Operator& op) {
  if (!op.is_gemm()) return "white";
  switch (plan.dataflow.binding(op.name).executor) {
    case Executor::npu:
      return "#cfe2f3";
    case Executor::nmp:
      return "#d9ead3";
    case Executor::split:
      return "#fff2cc";
  }
  return "white";
}

std::string node(const Plan& plan, const Operator& op) {
  std::string label = op.name;
  if (op.is_gemm()) {
    const Binding& b = plan.dataflow.binding(op.name);
    label += fmt::format("\\n{} {}", enum_name(b.executor), channel_ranges(b.all_channels()));
  }
  return fmt::format("{} [label=\"{}\", shape={}, fillcolor=\"{}\"];\n", op.name, label, op.is_gemm() ? "box" : "ellipse",
                     colour(plan, op));
}

}  // namespace

std::string to_dot(const Plan& plan) {
  fmt::memory_buffer out;
  const auto put = [&](const std::string& text) { fmt::format_to(std::back_inserter(out), "{}", text); };
  put("digraph layer {\n  rankdir=TB;\n  node [style=filled, fontname=\"sans-serif\"];\n");
  put(fmt::format("  label=\"{}, one layer, dataflow {} (blue: NPU, green: PEs, yellow: both)\";\n", plan.model.name,
                  plan.dataflow.name()));
  std::set<std::string> placed;
  const OperatorGraph& g = plan.layer;
  const auto find = [&](const std::string& name) {
    OperatorId v = 0;
    while (g[v].name != name) ++v;
    return v;
  };
  int cluster = 0;
  for (std::size_t m = 0; m < plan.dataflow.groups().size(); ++m) {
    put(fmt::format("  subgraph cluster_{} {{ label=\"access group {}\";\n", cluster++, m));
    const auto& partitions = plan.dataflow.groups()[m].partitions;
    for (std::size_t p = 0; p < partitions.size(); ++p) {
      put(fmt::format("    subgraph cluster_{} {{ label=\"partition {}: NMP {}{}\";\n", cluster++, p,
                      channel_ranges(partitions[p].nmp_channels), partitions[p].normal ? " + normal" : ""));
      for (std::size_t t = 0; t < partitions[p].tiers.size(); ++t) {
        put(fmt::format("      subgraph cluster_{} {{ label=\"tier {}\"; style=dashed;\n", cluster++, t));
        for (const std::string& name : partitions[p].tiers[t]) {
          put("        " + node(plan, g[find(name)]));
          placed.insert(name);
        }
        put("      }\n");
      }
      put("    }\n");
    }
    put("  }\n");
  }
  for (OperatorId v = 0; v < g.size(); ++v) {
    if (placed.count(g[v].name) == 0) put("  " + node(plan, g[v]));
  }
  for (const auto& [from, to] : g.edges()) put(fmt::format("  {} -> {};\n", g[from].name, g[to].name));
  put("}\n");
  return fmt::to_string(out);
}

}  // namespace bondsim
