#include "mapping/emit/block_emitter.hpp"

#include <algorithm>
#include <utility>

#include "mapping/emit/block_parts.hpp"
#include "mapping/emit/npu_chunks.hpp"

namespace bondsim {
namespace {

/// Row of the vocabulary a position looks up. Token values are not known here; this deals them over the table without a pattern.
std::int64_t vocabulary_row(std::int64_t position, std::int64_t rows) {
  return static_cast<std::int64_t>((static_cast<std::uint64_t>(position) * 2654435761u) % static_cast<std::uint64_t>(rows));
}

}  // namespace

BlockEmitter::BlockEmitter(const Plan& plan, Block& block, TokenBlock tokens)
    : plan_(plan), block_(block), tokens_(std::move(tokens)), batch_(tokens_.batch), phase_(batch_.requests.front().phase) {
  if (plan.model.moe) expert_rows_ = expert_rows(*plan.model.moe, batch_.tokens(), batch_.step, layer());
  if (block.layer >= 0) class_ = plan.model.class_of(block.layer);
}

std::int64_t BlockEmitter::rows_of(const Operator& op) const {
  if (block_.layer >= 0 && !op.runs_in(class_)) return 0;
  if (op.per_request) return static_cast<std::int64_t>(batch_.requests.size());
  return op.expert < 0 ? total_tokens() : expert_rows_[static_cast<std::size_t>(op.expert)];
}

std::int64_t BlockEmitter::total_tokens() const {
  // Outside the layers only positions that give a token matter.
  return block_.layer < 0 ? batch_.logits() : batch_.tokens();
}

std::int32_t BlockEmitter::add(Task task) {
  block_.tasks.push_back(std::move(task));
  return static_cast<std::int32_t>(block_.tasks.size()) - 1;
}

std::int32_t BlockEmitter::transfer(TaskKind kind, int op, int channel, std::vector<Extent> extents, const Tasks& after) {
  Task t;
  t.kind = kind;
  t.op = op;
  t.executor = ExecutorId::of_channel(channel);
  t.dependencies = after;
  t.extents = std::move(extents);
  return add(std::move(t));
}

std::int32_t BlockEmitter::reduce(int op, std::int64_t elements, const Tasks& after) {
  Task t;
  t.kind = TaskKind::npu_vector;
  t.executor = ExecutorId::vector_units();
  t.op = op;
  t.dependencies = after;
  t.vector = {VectorKind::reduce, elements, first_unit_, units_};
  return add(std::move(t));
}

std::int32_t BlockEmitter::work(int op, const GemmShape& shape) {
  block_.work.push_back({op, shape});
  return static_cast<std::int32_t>(block_.work.size()) - 1;
}

std::int32_t BlockEmitter::npu_gemm(int op, const GemmShape& shape, const GemmPart& part, const OperandBits& bits,
                                    std::vector<Extent> stationary, const Tasks& after) {
  Task t;
  t.kind = TaskKind::npu_gemm;
  t.executor = ExecutorId::arrays();
  t.op = op;
  t.dependencies = after;
  t.npu.shape = shape;
  t.npu.part = part;
  t.npu.bits = bits;
  t.npu.chunks = npu_chunks(plan_.system, stationary);
  t.npu.stationary = std::move(stationary);
  return add(std::move(t));
}

BlockEmitter::Tasks BlockEmitter::dependencies_of(const OperatorGraph& graph, OperatorId v) const {
  Tasks after;
  if (graph.inputs(v).empty()) after = entry_;
  for (const OperatorId u : graph.inputs(v)) {
    const Tasks& done = done_[u];
    after.insert(after.end(), done.begin(), done.end());
  }
  if (graph[v].is_gemm()) after.insert(after.end(), sync_.begin(), sync_.end());
  std::sort(after.begin(), after.end());
  after.erase(std::unique(after.begin(), after.end()), after.end());
  return after;
}

void BlockEmitter::embedding(const std::vector<TokenBlock>& layer) {
  const auto& table = plan_.embedding;
  const auto channels = static_cast<std::int64_t>(table.channels.size());
  std::vector<ExtentBuilder> reads(table.channels.size());
  for (const BatchEntry& r : batch_.requests) {
    for (std::int64_t position = r.context - r.tokens; position < r.context; ++position) {
      const std::int64_t row = vocabulary_row(position + 7919 * r.request, table.rows);
      const auto at = static_cast<std::size_t>(row % channels);
      const std::int64_t first = row / channels * table.units_per_row;
      plan_.memory.stripe(reads[at], table.channels[at], table.offsets[at], first, first + table.units_per_row);
    }
  }
  Tasks loads;
  for (std::size_t at = 0; at < table.channels.size(); ++at) {
    auto extents = in_shared(reads[at].take());
    if (extents.empty()) continue;
    loads.push_back(transfer(TaskKind::host_load, op_index("embedding"), table.channels[at], std::move(extents), {}));
  }
  Task t;
  t.kind = TaskKind::npu_vector;
  t.executor = ExecutorId::vector_units();
  t.op = op_index("embedding");
  t.dependencies = loads;
  t.vector = {VectorKind::embedding, batch_.tokens() * plan_.model.hidden, 0, 0};
  const std::int32_t embedded = add(std::move(t));
  for (const TokenBlock& b : layer) move_spill(TaskKind::host_scatter, op_index("embedding"), b.residual, {embedded});
}

void BlockEmitter::start(const OperatorGraph& graph) {
  done_.assign(graph.size(), {});
  emitted_.assign(graph.size(), false);
}

void BlockEmitter::emit(const OperatorGraph& graph, OperatorId v) {
  if (emitted_[v]) return;
  const Operator& op = graph[v];
  if (op.kind == OperatorKind::score_gemm || op.kind == OperatorKind::value_gemm) write_caches(graph);
  if (rows_of(op) == 0 || (op.kind == OperatorKind::vector && op.vector == VectorKind::none)) {
    // An expert without tokens, an FFN of other layers, a norm that is not there: what comes after waits for what came before.
    done_[v] = dependencies_of(graph, v);
    emitted_[v] = true;
    return;
  }
  if (op.kind == OperatorKind::weight_gemm) return weight_wave(graph, v);
  if (op.kind == OperatorKind::score_gemm && attention_is_fused()) return fused_attention(graph, v);
  if (op.kind == OperatorKind::kv_append) {
    unwritten_.push_back(v);
    emitted_[v] = true;
    return;
  }
  const Tasks after = dependencies_of(graph, v);
  done_[v] = op.kind == OperatorKind::vector ? vector_task(graph, v, after) : attention(graph, v, after);
  move_spills(graph, v, after);
  emitted_[v] = true;
  if (op.kind == OperatorKind::vector) prefetch_beside(graph, seconds_of(block_.tasks[static_cast<std::size_t>(done_[v].front())].vector));
}

void BlockEmitter::write_caches(const OperatorGraph& graph) {
  for (const OperatorId v : unwritten_) {
    const Tasks after = dependencies_of(graph, v);
    done_[v] = append(graph[v], after);
    move_spills(graph, v, after);
  }
  unwritten_.clear();
}

void BlockEmitter::graph(const OperatorGraph& graph) {
  start(graph);
  load_residual(graph);
  plan_prefetch(graph);
  for (const OperatorId v : level_order(graph)) emit(graph, v);
  write_caches(graph);
  if (block_.layer >= 0) store_residual(graph);
}

BlockEmitter::Tasks BlockEmitter::vector_task(const OperatorGraph& graph, OperatorId v, const Tasks& after) {
  const Operator& op = graph[v];
  if (op.per_context && attention_streams()) return streamed_softmax(op);
  if (phase_ == Phase::decode) {
    const auto placed = plan_.vectors.find(op.name);
    if (placed != plan_.vectors.end()) return vector_on_nmp(placed->second, after);
  }
  std::int64_t elements = op.elements_per_token * rows_of(op);
  if (op.per_context && attends_by_strips()) {
    const Operator& scores = graph[scores_of(graph, v)];
    elements = scores_of_strips(scores) / scores.heads.queries / scores.heads.kv_heads * op.elements_per_token;
  } else if (op.per_context) {
    elements = 0;
    for (const BatchEntry& r : batch_.requests)
      elements += op.elements_per_token * r.tokens * (op.fixed_context > 0 ? op.fixed_context : reach(r));
  }
  Task t;
  t.kind = TaskKind::npu_vector;
  t.executor = ExecutorId::vector_units();
  t.op = op_index(op.name);
  t.dependencies = after;
  t.vector = {op.vector, elements, first_unit_, units_};
  return {add(std::move(t))};
}

}  // namespace bondsim
