#include "mapping/plan/vector_placement.hpp"

#include <algorithm>

#include "mapping/plan/plan.hpp"
#include "models/base/element_bytes.hpp"
#include "models/base/quantity.hpp"

namespace bondsim {
namespace {

/// A weight GEMM of the PEs of `channels` alone, in channel order, whose sums are whole.
const WeightPlacement* on_channels(const Plan& plan, const Operator& gemm, const std::vector<int>& channels) {
  if (gemm.kind != OperatorKind::weight_gemm || (gemm.expert >= 0 && plan.dataflow.experts_by_rows())) return nullptr;
  const WeightPlacement& w = plan.weights.at(gemm.name);
  if (w.n_npu() > 0 || w.shares.size() != channels.size()) return nullptr;
  for (std::size_t i = 0; i < channels.size(); ++i) {
    if (w.shares[i].channel != channels[i] || plan.system.nmp_of(channels[i]).io_path == IoPath::direct) return nullptr;
  }
  return &w;
}

bool same(const Range& a, const Range& b) { return a.begin == b.begin && a.end == b.end; }

/// Cuts the columns as the operator's inputs have them, if they are outputs of GEMMs that nobody else needs and whose channels agree.
void take_outputs(const Plan& plan, const OperatorGraph& graph, OperatorId v, VectorPlacement& p) {
  const auto& inputs = graph.inputs(v);
  if (p.by_rows || inputs.empty() || static_cast<std::int64_t>(inputs.size()) != p.operands) return;
  std::vector<int> channels;
  for (const VectorShare& share : p.shares) channels.push_back(share.channel);
  const WeightPlacement* first = on_channels(plan, graph[inputs.front()], channels);
  if (first == nullptr) return;
  for (const OperatorId u : inputs) {
    const WeightPlacement* w = on_channels(plan, graph[u], channels);
    if (w == nullptr || w->split.t_k() != 1 || w->op.n != p.width || graph.users(u).size() != 1) return;
    for (std::size_t i = 0; i < channels.size(); ++i) {
      if (!same(w->shares[i].n, first->shares[i].n)) return;
    }
  }
  for (std::size_t i = 0; i < channels.size(); ++i) p.shares[i].columns = first->shares[i].n;
  for (const OperatorId u : inputs) p.from.push_back(graph[u].name);
}

/// Leaves the result as the input of the only GEMM that needs it, if each channel reads just the columns that it has.
void leave_input(const Plan& plan, const OperatorGraph& graph, OperatorId v, VectorPlacement& p) {
  const auto& users = graph.users(v);
  if (p.by_rows || users.size() != 1 || plan.weight_group.count(graph[users.front()].name) == 0 ||
      plan.weight_group.at(graph[users.front()].name).size() != 1 || graph.inputs(users.front()).size() != 1)
    return;
  std::vector<int> channels;
  for (const VectorShare& share : p.shares) channels.push_back(share.channel);
  const WeightPlacement* w = on_channels(plan, graph[users.front()], channels);
  if (w == nullptr) return;
  for (std::size_t i = 0; i < channels.size(); ++i) {
    if (!same(w->shares[i].k, p.shares[i].columns)) return;
  }
  p.into = w->op.name;
}

void reserve(Plan& plan, VectorPlacement& p) {
  const std::int64_t most = plan.workload.batch * plan.workload.decode_rows;
  const auto bytes = [&](const VectorShare& share, std::int64_t operands) {
    const std::int64_t rows = p.by_rows ? ceil_div<std::int64_t>(most, static_cast<std::int64_t>(p.shares.size())) : most;
    return plan.memory.spread_bank_bytes(bytes_of(operands * rows * share.columns.size(), plan.model.bits.activation.of(p.op.name)),
                                         plan.memory.both_unit());
  };
  for (VectorShare& share : p.shares) {
    if (p.from.empty()) share.input = plan.memory.reserve(share.channel, Space::shared, bytes(share, p.operands));
    if (p.into.empty()) share.output = plan.memory.reserve(share.channel, Space::shared, bytes(share, 1));
  }
}

VectorPlacement placed(Plan& plan, const OperatorGraph& graph, OperatorId v) {
  VectorPlacement p;
  p.op = graph[v];
  p.by_rows = p.op.vector == VectorKind::norm;
  p.width = p.op.elements_per_token;
  if (p.op.vector == VectorKind::activation) p.operands = std::max<std::int64_t>(1, static_cast<std::int64_t>(graph.inputs(v).size()));
  if (p.op.vector == VectorKind::residual) {
    // So many sums of the residual stream's width: each adds an operand.
    if (plan.model.hidden > 0 && p.width % plan.model.hidden == 0) p.width = plan.model.hidden;
    p.operands = 1 + p.op.elements_per_token / p.width;
  }
  const std::vector<int>& channels = plan.dataflow.vector_channels(p.op.vector);
  for (std::size_t i = 0; i < channels.size(); ++i) {
    VectorShare share;
    share.channel = channels[i];
    share.columns = p.by_rows ? Range{0, p.width} : even_part(p.width, static_cast<int>(channels.size()), static_cast<int>(i), 1);
    if (share.columns.size() > 0) p.shares.push_back(share);
  }
  take_outputs(plan, graph, v, p);
  leave_input(plan, graph, v, p);
  reserve(plan, p);
  return p;
}

}  // namespace

std::map<std::string, VectorPlacement> place_vectors(Plan& plan) {
  std::map<std::string, VectorPlacement> out;
  for (const OperatorGraph* graph : {&plan.layer, &plan.head}) {
    for (OperatorId v = 0; v < graph->size(); ++v) {
      const Operator& op = (*graph)[v];
      if (op.kind != OperatorKind::vector || plan.dataflow.vector_channels(op.vector).empty() || op.per_context) continue;
      out.emplace(op.name, placed(plan, *graph, v));
    }
  }
  return out;
}

}  // namespace bondsim
