#include <algorithm>
#include <map>

#include "mapping/emit/block_emitter.hpp"

namespace bondsim {
namespace {

void append_to(std::vector<Extent>& to, const std::vector<Extent>& from) { to.insert(to.end(), from.begin(), from.end()); }

/// Tokens of the parts before this one: where its columns begin when the parts are laid side by side.
std::int64_t tokens_before(const HeadRun& run, std::int64_t context) {
  std::int64_t sum = 0;
  for (int p = 0; p < run.part; ++p) sum += tokens_of_part(context, run.parts, p);
  return sum;
}

/// Numbers of the heads on PEs of requests that are alike, ascending: a head's place among them is its place in their work entry.
std::map<ContextRows, std::vector<std::int64_t>> heads_alike(const AttentionPlacement& a, const Batch& batch) {
  std::map<ContextRows, std::vector<std::int64_t>> heads;
  for (const HeadRun& run : a.runs) {
    const BatchEntry* r = batch.find(run.request);
    if (r == nullptr || run.part > 0) continue;
    for (int g = 0; g < run.gemms; ++g) heads[context_rows(*r)].push_back(run.first_head + g);
  }
  for (auto& entry : heads) std::sort(entry.second.begin(), entry.second.end());
  return heads;
}

}  // namespace

BlockEmitter::Tasks BlockEmitter::append(const Operator& op, const Tasks& after) {
  const AttentionPlacement& a = plan_.attention.at(op.cache);
  if (a.in_keys) return after;  // appended with K
  // Prompts have all their places; in decode, tokens beyond a window take those of older ones.
  const auto end = [&](const ContextRows& rows) { return phase_ == Phase::prefill ? rows.first : reach(rows); };
  std::map<int, std::vector<Extent>> writes;
  for (const auto& [run, rows] : runs_of(a, batch_))
    append_to(writes[run.channel], append_extents(a, run, end(rows) - rows.second, end(rows), plan_.memory));
  for (const HeadStripe& stripe : a.stripes) {
    const BatchEntry* r = batch_.find(stripe.request);
    if (r == nullptr) continue;
    const std::int64_t last = end(context_rows(*r));
    for (const Extent& e : stripe_extents(stripe, last - r->tokens, last, plan_.memory)) writes[e.channel].push_back(e);
  }
  Tasks done;
  for (auto& [channel, extents] : writes) {
    if (!extents.empty()) done.push_back(transfer(TaskKind::kv_append, op_index(op.name), channel, in_layer(std::move(extents)), after));
  }
  return done;
}

void BlockEmitter::attention_work(const Operator& op, const AttentionPlacement& a) {
  context_work_.clear();
  heads_alike_ = heads_alike(a, batch_);
  for (const BatchEntry& r : batch_.requests) {
    const auto known = context_work_.find(context_rows(r));
    if (known != context_work_.end()) {
      block_.work[static_cast<std::size_t>(known->second)].shape.count += a.kv_heads;
      continue;
    }
    const std::int64_t context = reach(a, r);
    const GemmShape shape{a.kv_heads, r.tokens * a.m, a.keys ? context : a.head_dim, a.keys ? a.head_dim : context};
    context_work_[context_rows(r)] = work(op_index(op.name), shape);
  }
}

BlockEmitter::Tasks BlockEmitter::attention(const OperatorGraph& graph, OperatorId v, const Tasks& after) {
  const Operator& op = graph[v];
  if (attends_by_strips()) return attention_by_strips(op, op.kind == OperatorKind::score_gemm ? op : graph[scores_of(graph, v)], after);
  const AttentionPlacement& a = plan_.attention.at(op.name);
  attention_work(op, a);
  if (attention_streams()) return a.keys ? streamed_scores(op, a, after) : streamed_values(op, a, after);
  Tasks done;
  if (phase_ == Phase::decode) done = attention_on_nmp(op, a, after);
  attention_on_npu(op, a, after, done);
  return done;
}

Attended BlockEmitter::attended(const AttentionPlacement& a, const HeadRun& run) const {
  const BatchEntry& r = *batch_.find(run.request);
  return {reach(a, r), r.tokens};
}

std::int64_t BlockEmitter::sums_to_add(const AttentionPlacement& a, const HeadRun& run) const {
  const GemmShape shape = run_shape(a, run, attended(a, run));
  const std::int64_t of_pes = std::min<std::int64_t>(shape.k, k_parts_of(a, run));
  return shape.count * shape.m * shape.n * (of_pes - (run.part > 0 ? 0 : 1));
}

std::vector<const HeadRun*> BlockEmitter::runs_in_batch(const AttentionPlacement& a) const {
  std::vector<const HeadRun*> runs;
  for (const HeadRun& run : a.runs) {
    const BatchEntry* r = batch_.find(run.request);
    if (r == nullptr) continue;
    check(r->tokens <= a.tokens, "request {}: attention on PEs has room for {} new tokens, {} found", run.request, a.tokens, r->tokens);
    if (run_shape(a, run, attended(a, run)).macs() > 0) runs.push_back(&run);  // else fewer tokens than parts
  }
  return runs;
}

std::vector<Extent> BlockEmitter::input_of(const AttentionPlacement& a, const HeadRun& run) const {
  return in_shared(run_input(a, run, attended(a, run), plan_.memory));
}

std::vector<Extent> BlockEmitter::output_of(const AttentionPlacement& a, const HeadRun& run) const {
  return in_shared(run_output(a, run, attended(a, run), plan_.memory));
}

std::vector<Extent> BlockEmitter::inputs_of_channel(const AttentionPlacement& a, int channel) const {
  std::vector<Extent> inputs;
  for (const HeadRun* run : runs_in_batch(a)) {
    if (run->channel == channel) append_to(inputs, input_of(a, *run));
  }
  return inputs;
}

std::vector<Extent> BlockEmitter::outputs_of_channel(const AttentionPlacement& a, int channel) const {
  std::vector<Extent> outputs;
  for (const HeadRun* run : runs_in_batch(a)) {
    if (run->channel == channel) append_to(outputs, output_of(a, *run));
  }
  return outputs;
}

std::int32_t BlockEmitter::head_gemm(const Operator& op, const AttentionPlacement& a, const HeadRun& run, Tasks after) {
  const BatchEntry& request = *batch_.find(run.request);
  const Attended reached = attended(a, run);
  const std::int64_t before = tokens_before(run, reached.context);
  const std::vector<std::int64_t>& alike = heads_alike_.at(context_rows(request));
  Task t;
  t.kind = TaskKind::nmp_gemm;
  t.op = op_index(op.name);
  t.executor = ExecutorId::of_channel(run.channel);
  t.dependencies = std::move(after);
  t.nmp.shape = run_shape(a, run, reached);
  t.nmp.part = {context_work_.at(context_rows(request)), std::lower_bound(alike.begin(), alike.end(), run.first_head) - alike.begin(), 0,
                a.keys ? before : 0, a.keys ? 0 : before};
  t.nmp.bits = a.bits;
  t.nmp.first_pe = run.first_pe;
  t.nmp.pes_per_gemm = run.pes_per_gemm;
  t.nmp.k_parts = k_parts_of(a, run);
  t.nmp.tiling = run_tiling(plan_.system, a, run, reached);
  t.nmp.input = input_of(a, run);
  t.nmp.stationary = in_layer(cache_extents(a, run, reached.context, plan_.memory));
  t.nmp.output = output_of(a, run);
  return add(std::move(t));
}

BlockEmitter::Tasks BlockEmitter::attention_on_nmp(const Operator& op, const AttentionPlacement& a, const Tasks& after) {
  std::map<int, std::vector<const HeadRun*>> by_channel;
  std::int64_t partial_sums = 0;
  for (const HeadRun* run : runs_in_batch(a)) {
    by_channel[run->channel].push_back(run);
    if (!a.keys) partial_sums += sums_to_add(a, *run);
  }
  std::map<int, std::int32_t> scatters;
  for (const auto& entry : by_channel) {
    const int channel = entry.first;
    if (!moves_directly(channel))
      scatters[channel] = transfer(TaskKind::host_scatter, op_index(op.name), channel, inputs_of_channel(a, channel), after);
  }
  std::map<int, Tasks> gemms;
  for (const auto& [channel, runs] : by_channel) {
    const Tasks waits = moves_directly(channel) ? after : Tasks{scatters.at(channel)};
    for (const HeadRun* run : runs) gemms[channel].push_back(head_gemm(op, a, *run, waits));
  }
  Tasks done;
  for (const auto& [channel, tasks] : gemms) {
    if (moves_directly(channel)) {
      done.insert(done.end(), tasks.begin(), tasks.end());
    } else {
      done.push_back(transfer(TaskKind::host_load, op_index(op.name), channel, outputs_of_channel(a, channel), tasks));
    }
  }
  if (partial_sums > 0) done = {reduce(op_index(op.name), partial_sums, done)};
  return done;
}

std::map<ContextRows, BlockEmitter::NpuHeads> BlockEmitter::npu_heads(const AttentionPlacement& a) const {
  const bool prefill = phase_ == Phase::prefill;
  std::map<ContextRows, NpuHeads> by_rows;
  for (const auto& [run, rows] : runs_of(a, batch_)) {
    NpuHeads& part = by_rows[rows];
    const std::int64_t heads = run.part == 0 ? run.gemms : 0;
    (prefill ? part.heads : part.first) += heads;
    if (prefill) append_to(part.extents, cache_extents(a, run, reach(a, rows), plan_.memory));
  }
  for (const HeadStripe& stripe : a.stripes) {
    const BatchEntry* r = batch_.find(stripe.request);
    if (r == nullptr) continue;
    NpuHeads& part = by_rows[context_rows(*r)];
    part.heads += stripe.heads;
    append_to(part.extents, stripe_extents(stripe, 0, reach(a, *r), plan_.memory));
  }
  for (auto& entry : by_rows) entry.second.extents = in_layer(std::move(entry.second.extents));
  return by_rows;
}

void BlockEmitter::attention_on_npu(const Operator& op, const AttentionPlacement& a, const Tasks& after, Tasks& done) {
  for (auto& [rows, part] : npu_heads(a)) {
    const std::int32_t work = context_work_.at(rows);
    GemmShape shape = block_.work[static_cast<std::size_t>(work)].shape;
    check(part.first + part.heads == shape.count, "{}: {} heads of context {} have a place, the batch has {}", op.name,
          part.first + part.heads, rows.first, shape.count);
    if (part.heads == 0) continue;
    shape.count = part.heads;
    done.push_back(npu_gemm(op_index(op.name), shape, {work, part.first, 0, 0, 0}, a.bits, std::move(part.extents), after));
  }
}

}  // namespace bondsim
