#include <algorithm>
#include <map>

#include "mapping/emit/block_emitter.hpp"

namespace bondsim {
std::int32_t BlockEmitter::weight_on_npu(const WeightPlacement& w, const GemmShape& shape, const GemmPart& part,
                                         std::vector<Extent> stationary, const Tasks& after) {
  return npu_gemm(op_index(w.op.name), shape, part, w.bits, plan_.memory.place(std::move(stationary), w.space, layer()), after);
}

std::int32_t BlockEmitter::weight_scatter(const WeightPlacement& w, const WeightShare& share, const Tasks& after) {
  const auto key = std::make_pair(plan_.weight_group.at(w.op.name).front(), share.channel);
  const auto known = scatters_.find(key);
  if (known != scatters_.end()) return known->second;
  return scatters_[key] = transfer(TaskKind::host_scatter, op_index(w.op.name), share.channel,
                                   in_shared(share_input(w, share, rows_of(w.op), plan_.memory)), after);
}

std::int32_t BlockEmitter::weight_on_nmp(const WeightPlacement& w, const WeightShare& share, std::int32_t work, Tasks after) {
  Task t;
  t.kind = TaskKind::nmp_gemm;
  t.op = op_index(w.op.name);
  t.executor = ExecutorId::of_channel(share.channel);
  t.dependencies = std::move(after);
  t.nmp.shape = {1, rows_of(w.op), share.n.size(), share.k.size()};
  t.nmp.part = {work, 0, 0, share.n.begin, share.k.begin};
  t.nmp.bits = w.bits;
  t.nmp.pes_per_gemm = plan_.memory.banks();
  t.nmp.tiling = share.tiling;
  t.nmp.input = in_shared(share_input(w, share, rows_of(w.op), plan_.memory));
  t.nmp.stationary = plan_.memory.place(share.stationary, w.space, layer());
  t.nmp.output = in_shared(share_output(w, share, rows_of(w.op), plan_.memory));
  t.nmp.partials = in_shared(share_partials(w, share, rows_of(w.op), plan_.memory));
  return add(std::move(t));
}

std::vector<OperatorId> BlockEmitter::wave_of(const OperatorGraph& graph, OperatorId v) const {
  if (goes_by_slices(graph, v)) return graph.inputs(graph.users(v).front());
  std::vector<OperatorId> wave;
  const auto& names = plan_.weight_group.at(graph[v].name);
  const auto in = [](const std::vector<std::string>& list, const std::string& name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  for (OperatorId u = 0; u < graph.size(); ++u) {
    // Attention and FFN of a parallel block share their input, but attention should not wait for the FFN.
    // What goes by slices goes with the other inputs of its activation, whatever else reads its input.
    if (goes_by_slices(graph, u)) continue;
    if (graph[u].ffn == graph[v].ffn && in(names, graph[u].name) && (tier_ == nullptr || in(*tier_, graph[u].name))) wave.push_back(u);
  }
  return wave;
}

bool BlockEmitter::on_pes() const {
  return phase_ == Phase::decode || (block_.layer < 0 && plan_.dataflow.prefill_head() == PrefillHead::as_decode);
}

void BlockEmitter::weight_wave(const OperatorGraph& graph, OperatorId v) {
  const Tasks after = dependencies_of(graph, v);
  const std::vector<OperatorId> wave = wave_of(graph, v);
  std::map<OperatorId, std::int32_t> works;
  for (const OperatorId u : wave) works[u] = work(op_index(graph[u].name), {1, rows_of(graph[u]), graph[u].n, graph[u].k});
  if (goes_by_slices(graph, v)) return sliced_wave(graph, wave, works, after);
  if (stream_) return prefetched_wave(graph, wave, works, after);
  std::map<OperatorId, Tasks> gemms;
  if (on_pes() && !expert_on_npu(graph[v])) {
    const auto first_new = static_cast<std::int32_t>(block_.tasks.size());
    for (const OperatorId u : wave) {
      const WeightPlacement& w = plan_.weights.at(graph[u].name);
      for (const WeightShare& share : w.shares) {
        if (!moves_directly(share.channel) && !input_is_left(w)) weight_scatter(w, share, after);
      }
    }
    for (const OperatorId u : wave) {
      const WeightPlacement& w = plan_.weights.at(graph[u].name);
      for (const WeightShare& share : w.shares) {
        if (moves_directly(share.channel) || input_is_left(w)) {
          gemms[u].push_back(weight_on_nmp(w, share, works[u], waits_of(w, share.channel, after)));
          continue;
        }
        // A scatter of an earlier wave knows nothing of what this one waits for.
        const std::int32_t scatter = weight_scatter(w, share, after);
        Tasks waits = scatter < first_new ? after : Tasks();
        waits.push_back(scatter);
        gemms[u].push_back(weight_on_nmp(w, share, works[u], std::move(waits)));
      }
    }
  }
  for (const OperatorId u : wave) weight_member(graph, plan_.weights.at(graph[u].name), works[u], gemms[u], after, u);
}

void BlockEmitter::weight_member(const OperatorGraph& graph, const WeightPlacement& w, std::int32_t work, const Tasks& gemms,
                                 const Tasks& after, OperatorId v) {
  const int op = op_index(w.op.name);
  Tasks done;
  for (std::size_t s = 0; s < gemms.size(); ++s) {
    done.push_back(gemms[s]);
    if (moves_directly(w.shares[s].channel) || output_stays(w)) continue;
    auto output = in_shared(share_output(w, w.shares[s], rows_of(w.op), plan_.memory));
    done.back() = transfer(TaskKind::host_load, op, w.shares[s].channel, std::move(output), {gemms[s]});
  }
  if (!done.empty() && w.split.t_k() > 1) done = {reduce(op, rows_of(w.op) * w.n_nmp * (w.split.t_k() - 1), done)};
  if (!on_pes() || expert_on_npu(w.op)) {
    done = {weight_on_npu(w, {1, rows_of(w.op), w.op.n, w.op.k}, {work, 0, 0, 0, 0}, prefill_weights(w, plan_.memory), after)};
  } else if (w.n_npu() > 0) {
    done.push_back(weight_on_npu(w, {1, rows_of(w.op), w.n_npu(), w.op.k}, {work, 0, 0, w.n_nmp, 0}, w.npu, after));
  }
  done_[v] = done;
  move_spills(graph, v, after);
  emitted_[v] = true;
}

}  // namespace bondsim
