#include <algorithm>
#include <map>

#include "mapping/emit/block_emitter.hpp"

namespace bondsim {
namespace {

/// Everything that holds weights of the operator, for the NPU to read in prefill.
std::vector<Extent> all_weights(const WeightPlacement& w) {
  std::vector<Extent> extents;
  for (const WeightShare& share : w.shares) extents.insert(extents.end(), share.stationary.begin(), share.stationary.end());
  extents.insert(extents.end(), w.npu.begin(), w.npu.end());
  return extents;
}

void append_to(std::vector<Extent>& to, const std::vector<Extent>& from) { to.insert(to.end(), from.begin(), from.end()); }

}  // namespace

std::int32_t BlockEmitter::weight_on_npu(const WeightPlacement& w, std::int64_t m, std::int64_t n, std::vector<Extent> stationary,
                                         const Tasks& after) {
  const GemmShape shape{1, m, n, w.op.k};
  return npu_gemm(op_index(w.op.name), shape, w.bits, plan_.memory.place(std::move(stationary), w.space, layer()), after);
}

std::int32_t BlockEmitter::weight_scatter(const WeightPlacement& w, const WeightShare& share, const Tasks& after) {
  const auto key = std::make_pair(plan_.weight_group.at(w.op.name).front(), share.channel);
  const auto known = scatters_.find(key);
  if (known != scatters_.end()) return known->second;
  return scatters_[key] = transfer(TaskKind::host_scatter, op_index(w.op.name), share.channel, in_shared(share.input), after);
}

std::int32_t BlockEmitter::weight_on_nmp(const WeightPlacement& w, const WeightShare& share, std::int32_t scatter) {
  Task t;
  t.kind = TaskKind::nmp_gemm;
  t.op = op_index(w.op.name);
  t.channel = share.channel;
  t.dependencies = {scatter};
  t.nmp.shape = {1, w.m, share.n.size(), share.k.size()};
  t.nmp.bits = w.bits;
  t.nmp.pes_per_gemm = plan_.memory.banks();
  t.nmp.tiling = share.tiling;
  t.nmp.input = in_shared(share.input);
  t.nmp.stationary = plan_.memory.place(share.stationary, w.space, layer());
  t.nmp.output = in_shared(share.output);
  return add(std::move(t));
}

void BlockEmitter::weight_wave(const OperatorGraph& graph, OperatorId v) {
  const Tasks after = dependencies_of(graph, v);
  std::vector<OperatorId> wave;
  const auto& names = plan_.weight_group.at(graph[v].name);
  for (const OperatorId u : boost::make_iterator_range(boost::vertices(graph))) {
    // Attention and FFN of a parallel block share their input, but attention should not wait for the FFN.
    if (graph[u].ffn == graph[v].ffn && std::find(names.begin(), names.end(), graph[u].name) != names.end()) wave.push_back(u);
  }
  const bool decode = block_.phase == Phase::decode;
  for (const OperatorId u : wave) {
    const WeightPlacement& w = plan_.weights.at(graph[u].name);
    for (const WeightShare& share : w.shares) {
      if (decode) weight_scatter(w, share, after);
    }
  }
  std::map<OperatorId, Tasks> gemms;
  for (const OperatorId u : wave) {
    const WeightPlacement& w = plan_.weights.at(graph[u].name);
    for (const WeightShare& share : w.shares) {
      if (decode) gemms[u].push_back(weight_on_nmp(w, share, weight_scatter(w, share, after)));
    }
  }
  for (const OperatorId u : wave) {
    const WeightPlacement& w = plan_.weights.at(graph[u].name);
    const int op = op_index(w.op.name);
    Tasks done;
    for (std::size_t s = 0; s < gemms[u].size(); ++s) {
      done.push_back(transfer(TaskKind::host_load, op, w.shares[s].channel, in_shared(w.shares[s].output), {gemms[u][s]}));
    }
    if (!done.empty() && w.split.t_k > 1) done = {reduce(op, w.m * w.n_nmp * (w.split.t_k - 1), done)};
    if (!decode) done = {weight_on_npu(w, total_tokens(), w.op.n, all_weights(w), after)};
    if (decode && w.n_npu() > 0) done.push_back(weight_on_npu(w, w.m, w.n_npu(), w.npu, after));
    done_[u] = done;
    emitted_[u] = true;
  }
}

BlockEmitter::Tasks BlockEmitter::append(const Operator& op, const Tasks& after) {
  const AttentionPlacement& a = plan_.attention.at(op.keys ? "qk" : "sv");
  std::map<int, std::vector<Extent>> writes;
  for (const HeadRun& run : a.runs) {
    const RequestTokens& r = requests_[static_cast<std::size_t>(run.request)];
    append_to(writes[run.channel], append_extents(a, run, r.context - r.tokens, r.context, plan_.memory));
  }
  for (const HeadStripe& stripe : a.stripes) {
    const RequestTokens& r = requests_[static_cast<std::size_t>(stripe.request)];
    for (const Extent& e : stripe_extents(stripe, r.context - r.tokens, r.context, plan_.memory)) writes[e.channel].push_back(e);
  }
  Tasks done;
  for (auto& [channel, extents] : writes) {
    if (!extents.empty()) done.push_back(transfer(TaskKind::kv_append, op_index(op.name), channel, in_layer(std::move(extents)), after));
  }
  return done;
}

BlockEmitter::Tasks BlockEmitter::attention(const Operator& op, const Tasks& after) {
  const AttentionPlacement& a = plan_.attention.at(op.name);
  Tasks done;
  if (block_.phase == Phase::decode) done = attention_on_nmp(op, a, after);
  attention_on_npu(op, a, after, done);
  return done;
}

BlockEmitter::Tasks BlockEmitter::attention_on_nmp(const Operator& op, const AttentionPlacement& a, const Tasks& after) {
  std::map<int, std::vector<const HeadRun*>> by_channel;
  for (const HeadRun& run : a.runs) {
    if (run_shape(a, run, requests_[static_cast<std::size_t>(run.request)].context).macs() > 0) by_channel[run.channel].push_back(&run);
  }
  const auto context = [&](const HeadRun& run) { return requests_[static_cast<std::size_t>(run.request)].context; };
  std::map<int, std::int32_t> last;  // by channel: the scatter, then its last nmp_gemm
  for (const auto& [channel, runs] : by_channel) {
    std::vector<Extent> inputs;
    for (const HeadRun* run : runs) append_to(inputs, run_input(a, *run, context(*run), plan_.memory));
    last[channel] = transfer(TaskKind::host_scatter, op_index(op.name), channel, in_shared(std::move(inputs)), after);
  }
  std::int64_t results = 0;
  for (const auto& [channel, runs] : by_channel) {
    const std::int32_t scatter = last[channel];
    for (const HeadRun* run : runs) {
      Task t;
      t.kind = TaskKind::nmp_gemm;
      t.op = op_index(op.name);
      t.channel = channel;
      t.dependencies = {scatter};
      t.nmp.shape = run_shape(a, *run, context(*run));
      t.nmp.bits = a.bits;
      t.nmp.first_pe = run->first_pe;
      t.nmp.pes_per_gemm = run->pes_per_gemm;
      t.nmp.tiling = run_tiling(plan_.system, a, *run, context(*run));
      t.nmp.input = in_shared(run_input(a, *run, context(*run), plan_.memory));
      t.nmp.stationary = in_layer(cache_extents(a, *run, context(*run), plan_.memory));
      t.nmp.output = in_shared(run_output(a, *run, context(*run), plan_.memory));
      if (run->part > 0) results += t.nmp.shape.count * t.nmp.shape.m * t.nmp.shape.n;
      last[channel] = add(std::move(t));
    }
  }
  Tasks done;
  for (const auto& [channel, runs] : by_channel) {
    std::vector<Extent> outputs;
    for (const HeadRun* run : runs) append_to(outputs, run_output(a, *run, context(*run), plan_.memory));
    done.push_back(transfer(TaskKind::host_load, op_index(op.name), channel, in_shared(std::move(outputs)), {last[channel]}));
  }
  // Scores of different tokens are set side by side; values of different tokens are partial sums.
  if (!a.keys && results > 0) done = {reduce(op_index(op.name), results, done)};
  return done;
}

void BlockEmitter::attention_on_npu(const Operator& op, const AttentionPlacement& a, const Tasks& after, Tasks& done) {
  struct Part {
    std::int64_t heads = 0;
    std::int64_t tokens = 0;
    std::vector<Extent> extents;
  };
  const bool prefill = block_.phase == Phase::prefill;
  std::map<std::int64_t, Part> by_context;
  for (const HeadRun& run : a.runs) {
    const RequestTokens& r = requests_[static_cast<std::size_t>(run.request)];
    if (!prefill) continue;
    Part& part = by_context[r.context];
    part.tokens = r.tokens;
    part.heads += run.part == 0 ? run.gemms : 0;
    append_to(part.extents, cache_extents(a, run, r.context, plan_.memory));
  }
  for (const HeadStripe& stripe : a.stripes) {
    const RequestTokens& r = requests_[static_cast<std::size_t>(stripe.request)];
    Part& part = by_context[r.context];
    part.tokens = r.tokens;
    part.heads += stripe.heads;
    append_to(part.extents, stripe_extents(stripe, 0, r.context, plan_.memory));
  }
  for (auto& [context, part] : by_context) {
    const std::int64_t m = part.tokens * a.m;
    const GemmShape shape{part.heads, m, a.keys ? context : a.head_dim, a.keys ? a.head_dim : context};
    done.push_back(npu_gemm(op_index(op.name), shape, a.bits, in_layer(std::move(part.extents)), after));
  }
}

}  // namespace bondsim
