#include "mapping/plan/block_time.hpp"

#include <algorithm>
#include <map>

#include "mapping/plan/plan.hpp"
#include "models/base/element_bytes.hpp"
#include "models/npu/rules.hpp"
#include "models/system/peaks.hpp"

namespace bondsim {

namespace {

using ChannelBytes = std::map<std::int32_t, std::int64_t>;

std::int64_t add_channel_bytes(const WeightPlacement& w, const MemoryMap& memory, ChannelBytes& bytes) {
  std::int64_t most = 0;
  for (const Extent& e : prefill_weights(w, memory)) most = std::max(most, bytes[e.channel] += e.bytes());
  return most;
}

}  // namespace

std::int64_t fullest_channel_bytes(const WeightPlacement& w, const MemoryMap& memory) {
  ChannelBytes bytes;
  return add_channel_bytes(w, memory, bytes);
}

double bus_bytes_a_second(const System& system) {
  const DramTiming& t = system.dram.timing;
  const bool refreshed = system.fidelity.refresh && system.controller.refresh == RefreshKind::all_bank;
  return bus_gbps(system.dram) * 1e9 * (refreshed ? 1 - t.t_rfc_ab_ns / t.t_refi_ns : 1);
}

bool is_sliced(const OperatorGraph& graph, OperatorId v) {
  if (graph[v].kind != OperatorKind::weight_gemm || graph.users(v).size() != 1) return false;
  const OperatorId act = graph.users(v).front();
  if (graph[act].kind != OperatorKind::vector || graph[act].vector != VectorKind::activation) return false;
  return std::all_of(graph.inputs(act).begin(), graph.inputs(act).end(), [&](OperatorId u) {
    return graph[u].kind == OperatorKind::weight_gemm && graph.users(u).size() == 1 && graph[u].n == graph[v].n &&
           graph[u].k == graph[v].k && graph.inputs(u) == graph.inputs(v);
  });
}

BlockTime::BlockTime(const Plan& plan, int layer)
    : plan_(plan),
      class_(plan.model.class_of(layer)),
      channels_(plan.system.channel_count()),
      streams_(plan.layer.size(), 0),
      slice_columns_(plan.layer.size(), 0),
      sliced_(plan.layer.size(), false) {
  bytes_a_second_ = bus_bytes_a_second(plan.system);
  for (OperatorId v = 0; v < plan.layer.size(); ++v) {
    if (plan.layer[v].kind != OperatorKind::weight_gemm || !plan.layer[v].runs_in(class_)) continue;
    streams_[v] = static_cast<double>(fullest_channel_bytes(plan.weights.at(plan.layer[v].name), plan.memory)) / bytes_a_second_;
    slice_columns_[v] = slice_columns(plan, plan.layer[v]);
    sliced_[v] = is_sliced(plan.layer, v);
    if (plan.layer[v].expert < 0 && !sliced_[v]) weights_ += streams_[v];
  }
  for (OperatorId act = 0; act < plan.layer.size(); ++act) {
    const std::vector<OperatorId>& inputs = plan.layer.inputs(act);
    if (inputs.empty() || !is_sliced(plan.layer, inputs.front())) continue;
    ChannelBytes bytes;
    std::int64_t most = 0;
    for (const OperatorId v : inputs) most = std::max(most, add_channel_bytes(plan.weights.at(plan.layer[v].name), plan.memory, bytes));
    streams_[act] = static_cast<double>(most) / bytes_a_second_;
    const Operator& first = plan.layer[inputs.front()];
    if (first.expert < 0 && first.runs_in(class_)) weights_ += streams_[act];
  }
}

double BlockTime::compute(OperatorId v, std::int64_t rows, bool in_slices) const {
  const Operator& op = plan_.layer[v];
  const NpuConfig& npu = plan_.system.npu;
  const OperandBits& bits = plan_.weights.at(op.name).bits;
  double cycles = static_cast<double>(gemm_cycles({1, rows, op.n, op.k}, bits, npu));
  if (in_slices) {
    const std::int64_t columns = slice_columns_[v];
    const std::int64_t whole = op.n / columns;
    cycles = static_cast<double>(whole * gemm_cycles({1, rows, columns, op.k}, bits, npu));
    if (op.n % columns > 0) cycles += static_cast<double>(gemm_cycles({1, rows, op.n % columns, op.k}, bits, npu));
  }
  return cycles * 1e-6 / npu.clock_mhz;
}

double BlockTime::streamed(double stream, double arrays) const {
  const double first = std::min(stream, plan_.system.npu.dma_chunk_kib * 1024 / bytes_a_second_);
  return std::max(stream + arrays * first / std::max(stream, 1e-12), first + arrays);
}

double BlockTime::vector(VectorKind kind, std::int64_t elements) const {
  if (!plan_.system.fidelity.vector_ops) return 0;
  const NpuConfig& npu = plan_.system.npu;
  return static_cast<double>(vector_cycles(vector_operations({kind, elements, 0, 0}, npu), 0, npu)) * 1e-6 / npu.clock_mhz;
}

double BlockTime::attention(const Batch& batch, double& moves) const {
  double sum = 0;
  for (OperatorId v = 0; v < plan_.layer.size(); ++v) {
    if (plan_.layer[v].kind != OperatorKind::score_gemm) continue;
    for (const auto& entry : attention_problems(plan_, batch, class_.first, plan_.layer[v])) {
      const AttentionProblem& p = entry.second.problem;
      // With a window a row has fewer columns than all together.
      const std::int64_t columns = ceil_div(scores_of_head(p), p.m);
      const double arrays = 1e-6 / plan_.system.npu.clock_mhz *
                            static_cast<double>(gemm_cycles({p.heads, p.m, columns, p.head_dim}, p.bits, plan_.system.npu) +
                                                gemm_cycles({p.heads, p.m, p.values_dim(), columns}, p.bits, plan_.system.npu));
      const double softmax = vector(VectorKind::softmax, p.heads * p.m * columns);
      const double loads = moved(bytes_of(p.heads * p.context * p.stored_dim(), p.bits.stationary));
      const bool grows = plan_.layer[v].fixed_context == 0;
      const double appended = grows ? moved(bytes_of(p.heads * (p.m / p.group) * p.stored_dim(), p.bits.stationary)) : 0;
      sum += appended + (plan_.system.npu.fused_attention ? std::max({arrays, softmax, loads}) : arrays + softmax + loads);
      moves += appended + loads;
    }
  }
  return sum;
}

/// With weights that come ahead, the bus or all the rest is busy all the time.
double BlockTime::prefetched(const TokenBlock& block, const std::vector<std::int64_t>& rows) const {
  double bus = (block.residual_streams ? 3 : 2) * moved(block.residual.bytes);
  double other = bus + attention(block.batch, bus);
  for (OperatorId v = 0; v < plan_.layer.size(); ++v) {
    const Operator& op = plan_.layer[v];
    if (op.kind == OperatorKind::weight_gemm && rows[v] > 0) {
      bus += streams_[v];
      other += compute(v, rows[v], true);
    } else if (op.kind == OperatorKind::vector && !op.per_context && !(block.sliced_ffn && op.vector == VectorKind::activation)) {
      other += vector(op.vector, op.elements_per_token * rows[v]);
    }
  }
  return std::max(bus, other);
}

double BlockTime::seconds(const TokenBlock& block, const std::vector<std::int64_t>& rows) const {
  if (prefetches(plan_, block)) return prefetched(block, rows);
  double moves = 0;
  double sum = attention(block.batch, moves) + (block.residual_streams ? 3 : 2) * moved(block.residual.bytes);
  double inner = 0;  // of a sliced FFN: the arrays, beside its activation
  for (OperatorId v = 0; v < plan_.layer.size(); ++v) {
    const Operator& op = plan_.layer[v];
    if (!block.spills.empty()) {
      std::int64_t bytes = block.spills[v].bytes;
      for (const OperatorId u : plan_.layer.inputs(v)) bytes += block.spills[u].bytes;
      sum += moved(bytes);
    }
    if (op.kind == OperatorKind::weight_gemm) {
      if (rows[v] == 0) continue;
      if (block.sliced_ffn && sliced_[v]) {
        inner += compute(v, rows[v], true);
      } else {
        sum += streamed(streams_[v], compute(v, rows[v], false));
      }
    } else if (op.kind == OperatorKind::vector && !op.per_context) {
      const double time = vector(op.vector, op.elements_per_token * rows[v]);
      if (block.sliced_ffn && op.vector == VectorKind::activation) {
        // Slices of f1 and f3 go in turns, their weights from all channels that have either.
        if (rows[v] > 0) sum += std::max(streamed(streams_[v], inner), time);
        inner = 0;
      } else {
        sum += time;
      }
    }
  }
  return sum;
}

}  // namespace bondsim
