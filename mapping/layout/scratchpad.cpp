#include "mapping/layout/scratchpad.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "mapping/tiling/split.hpp"
#include "models/base/element_bytes.hpp"
#include "models/base/quantity.hpp"

namespace bondsim {
namespace {

/// Elements of what vector work leaves: as many as it works on, but where it works on part of its input or on several.
std::int64_t vector_elements(const OperatorGraph& graph, OperatorId v, const Model& m, std::int64_t rows, std::int64_t scores) {
  const Operator& op = graph[v];
  if (op.per_context) return scores;
  if (op.vector == VectorKind::residual || op.vector == VectorKind::reduce) return m.hidden * rows;
  if (op.vector == VectorKind::rotary) {
    for (OperatorId u : graph.inputs(v)) {
      while (graph[u].kind == OperatorKind::vector) u = graph.inputs(u).front();
      return graph[u].n * rows;
    }
  }
  return op.elements_per_token * rows;
}

/// Whether every operator that needs the output of `u` comes before `v`, whatever the order of independent ones.
class Reach {
 public:
  explicit Reach(const OperatorGraph& graph) : graph_(graph), before_(graph.size()) {
    for (const OperatorId v : level_order(graph)) {
      before_[v].assign(before_.size(), false);
      for (const OperatorId u : graph.inputs(v)) {
        before_[v][u] = true;
        for (std::size_t w = 0; w < before_.size(); ++w) before_[v][w] = before_[v][w] || before_[u][w];
      }
    }
  }
  bool done_before(OperatorId u, OperatorId v) const {
    const auto& users = graph_.users(u);
    return !users.empty() && std::all_of(users.begin(), users.end(), [&](OperatorId w) { return before_[v][w]; });
  }

 private:
  const OperatorGraph& graph_;
  std::vector<std::vector<bool>> before_;
};

}  // namespace

std::int64_t spilled_bank_bytes(std::int64_t bytes, const MemoryMap& memory) {
  const std::int64_t of_channel = ceil_div<std::int64_t>(bytes, memory.channels());
  return memory.page_aligned(memory.spread_bank_bytes(of_channel, memory.host_unit()));
}

std::vector<std::int64_t> output_bytes(const OperatorGraph& graph, const Model& m, const std::vector<std::int64_t>& rows,
                                       const std::vector<std::int64_t>& scores) {
  std::vector<std::int64_t> bytes(graph.size(), 0);
  for (OperatorId v = 0; v < graph.size(); ++v) {
    std::int64_t elements = 0;
    switch (graph[v].kind) {
      case OperatorKind::weight_gemm:
        elements = rows[v] * graph[v].n;
        break;
      case OperatorKind::score_gemm:
        elements = scores[v];
        break;
      case OperatorKind::value_gemm:
        elements = rows[v] * graph[v].heads.kv_heads * graph[v].heads.queries * graph[v].heads.value_dim;
        break;
      case OperatorKind::kv_append:
        break;
      case OperatorKind::vector:
        elements = vector_elements(graph, v, m, rows[v], scores[v]);
    }
    bytes[v] = bytes_of(elements, m.bits.activation);
  }
  return bytes;
}

std::vector<Spill> scratchpad_spills(const OperatorGraph& graph, const std::vector<std::int64_t>& bytes, std::int64_t capacity,
                                     const MemoryMap& memory, std::int64_t* most) {
  const std::vector<OperatorId> order = level_order(graph);
  std::vector<std::size_t> last_use(order.size(), order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (const OperatorId u : graph.inputs(order[i])) last_use[u] = i;
  }
  const Reach reach(graph);
  std::vector<Spill> spills(order.size());
  std::vector<std::int64_t> resident(order.size(), 0);
  std::vector<OperatorId> spilled;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const OperatorId v = order[i];
    const auto& inputs = graph.inputs(v);
    const auto same = std::find_if(inputs.begin(), inputs.end(), [&](OperatorId u) { return bytes[u] == bytes[v] && last_use[u] == i; });
    if (graph[v].kind == OperatorKind::vector && same != inputs.end()) {
      resident[v] = std::exchange(resident[*same], 0);
      spills[v] = spills[*same];
      if (spills[v].bytes > 0) spilled.push_back(v);
    } else {
      const std::int64_t taken = std::accumulate(resident.begin(), resident.end(), std::int64_t{0});
      resident[v] = std::clamp<std::int64_t>(capacity - taken, 0, bytes[v]);
      spills[v].bytes = bytes[v] - resident[v];
      if (spills[v].bytes > 0) {
        // The lowest place that overlaps nothing still needed.
        std::vector<std::pair<std::int64_t, std::int64_t>> used;
        for (const OperatorId u : spilled) {
          const std::int64_t from = spills[u].bank_offset;
          if (!reach.done_before(u, v)) used.emplace_back(from, from + spilled_bank_bytes(spills[u].bytes, memory));
        }
        std::sort(used.begin(), used.end());
        for (const auto& [from, to] : used) {
          if (spills[v].bank_offset + spilled_bank_bytes(spills[v].bytes, memory) <= from) break;
          spills[v].bank_offset = std::max(spills[v].bank_offset, to);
        }
        spilled.push_back(v);
      }
    }
    if (most != nullptr) *most = std::max(*most, std::accumulate(resident.begin(), resident.end(), std::int64_t{0}));
    for (const OperatorId u : inputs) {
      if (last_use[u] == i) resident[u] = 0;
    }
  }
  return spills;
}

std::int64_t spill_bank_bytes(const std::vector<Spill>& spills, const MemoryMap& memory) {
  std::int64_t most = 0;
  for (const Spill& s : spills) {
    if (s.bytes > 0) most = std::max(most, s.bank_offset + spilled_bank_bytes(s.bytes, memory));
  }
  return most;
}

std::vector<Extent> spill_extents(const Spill& spill, int channel, std::int64_t region, const MemoryMap& memory) {
  const std::int64_t unit = memory.host_unit();
  const std::int64_t units = even_part(ceil_div(spill.bytes, unit), memory.channels(), channel, 1).size();
  return memory.spread(channel, region + spill.bank_offset, units * unit, unit);
}

std::int64_t stream_capacity(const System& system) {
  return static_cast<std::int64_t>(2.0 * system.npu.dma_chunk_kib * 1024 * system.channel_count());
}

std::int64_t activation_capacity(const System& system, const Model& model, std::int64_t tokens) {
  const std::int64_t whole = static_cast<std::int64_t>(system.npu.scratchpad_mib * 1024 * 1024) - stream_capacity(system);
  return std::max<std::int64_t>(0, whole - bytes_of(tokens * model.hidden, model.bits.activation));
}

}  // namespace bondsim
