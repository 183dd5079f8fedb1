#include <algorithm>
#include <map>

#include "mapping/emit/block_emitter.hpp"

namespace bondsim {
namespace {

/// Runs of scores and of values that lie in the same PEs, head by head.
bool alike(const HeadRun& a, const HeadRun& b) {
  return a.channel == b.channel && a.requests == b.requests && a.first_head == b.first_head && a.gemms == b.gemms && a.part == b.part &&
         a.parts == b.parts;
}

/// Place of each run in the turns of its channel; of heads that lie on several channels, of the last of them.
std::vector<int> turns_of(const std::vector<const HeadRun*>& runs) {
  std::map<int, int> on_channel;
  std::map<std::pair<int, std::int64_t>, int> of_heads;
  for (const HeadRun* run : runs) {
    int& turn = of_heads[{run->request, run->first_head}];
    turn = std::max(turn, on_channel[run->channel]++);
  }
  std::vector<int> turns;
  turns.reserve(runs.size());
  for (const HeadRun* run : runs) turns.push_back(of_heads.at({run->request, run->first_head}));
  return turns;
}

}  // namespace

/// Whether softmax and values of some heads may go before the scores of all are there: in decode, where both caches are dealt alike.
bool BlockEmitter::attention_streams() const {
  if (!plan_.dataflow.attention_overlap() || phase_ != Phase::decode) return false;
  // Of several attentions in a layer each goes operator by operator.
  if (plan_.attention.size() != 2 || plan_.attention.count("qk") == 0 || plan_.attention.count("sv") == 0) return false;
  const std::vector<HeadRun>&k = plan_.attention.at("qk").runs, &v = plan_.attention.at("sv").runs;
  return !k.empty() && std::equal(k.begin(), k.end(), v.begin(), v.end(), alike);
}

/// Runs that go together, by their place in runs_in_batch(): those of a turn, or of several where the softmax of one would take less than
/// two more transfers cost a channel whose inputs pass its banks.
std::vector<int> BlockEmitter::head_waves(const AttentionPlacement& a, const std::vector<const HeadRun*>& runs) const {
  std::vector<int> waves = turns_of(runs);
  const int turns = waves.empty() ? 0 : *std::max_element(waves.begin(), waves.end()) + 1;
  std::vector<double> softmax_s(static_cast<std::size_t>(turns), 0);
  double least_s = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const Attended reached = attended(a, *runs[i]);
    if (runs[i]->part == 0) {
      softmax_s[static_cast<std::size_t>(waves[i])] +=
          seconds_of(VectorWork{VectorKind::softmax, runs[i]->gemms * a.m * reached.tokens * reached.context, 0, units_});
    }
    if (moves_directly(runs[i]->channel)) continue;
    const DramTiming& t = plan_.system.dram_of(runs[i]->channel).timing;
    least_s = std::max(least_s, 2.0 * (t.n_rp_pb + 2 * t.n_rcd + t.n_cl + t.n_cwl) / (t.ck_mhz * 1e6));
  }
  std::vector<int> wave_of_turn(static_cast<std::size_t>(turns), 0);
  double gathered = 0, left = 0;
  for (const double s : softmax_s) left += s;
  int wave = 0;
  for (std::size_t turn = 0; turn < softmax_s.size(); ++turn) {
    wave_of_turn[turn] = wave;
    gathered += softmax_s[turn];
    left -= softmax_s[turn];
    if (gathered < least_s || left < least_s) continue;
    ++wave;
    gathered = 0;
  }
  for (int& w : waves) w = wave_of_turn[static_cast<std::size_t>(w)];
  return waves;
}

/// Scores of all heads, channel by channel as without overlap; they leave a channel wave by wave.
BlockEmitter::Tasks BlockEmitter::streamed_scores(const Operator& op, const AttentionPlacement& a, const Tasks& after) {
  streams_.clear();
  const int index = op_index(op.name);
  const std::vector<const HeadRun*> runs = runs_in_batch(a);
  waves_ = head_waves(a, runs);
  std::map<int, Tasks> scattered;
  for (const HeadRun* run : runs) {
    if (moves_directly(run->channel) || scattered.count(run->channel) > 0) continue;
    scattered[run->channel] = {transfer(TaskKind::host_scatter, index, run->channel, inputs_of_channel(a, run->channel), after)};
  }
  std::map<std::pair<int, int>, Tasks> gemms;  // by wave and channel
  std::map<std::pair<int, int>, std::vector<Extent>> outputs;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const HeadRun& run = *runs[i];
    gemms[{waves_[i], run.channel}].push_back(head_gemm(op, a, run, moves_directly(run.channel) ? after : scattered.at(run.channel)));
    const std::vector<Extent> output = output_of(a, run);
    std::vector<Extent>& all = outputs[{waves_[i], run.channel}];
    all.insert(all.end(), output.begin(), output.end());
  }
  for (const auto& [place, tasks] : gemms) {
    Tasks& stream = streams_[place.first];
    if (moves_directly(place.second)) {
      stream.insert(stream.end(), tasks.begin(), tasks.end());
    } else {
      stream.push_back(transfer(TaskKind::host_load, index, place.second, std::move(outputs.at(place)), tasks));
    }
  }
  Tasks on_npu;
  attention_on_npu(op, a, after, on_npu);
  if (!on_npu.empty()) streams_[heads_on_npu] = on_npu;
  Tasks done;
  for (const auto& entry : streams_) done.insert(done.end(), entry.second.begin(), entry.second.end());
  return done;
}

BlockEmitter::Tasks BlockEmitter::streamed_softmax(const Operator& op) {
  const AttentionPlacement& a = plan_.attention.at("qk");
  const std::vector<const HeadRun*> runs = runs_in_batch(a);
  std::map<int, std::int64_t> elements;
  std::int64_t left = 0;
  for (const BatchEntry& r : batch_.requests) left += op.elements_per_token * r.tokens * reach(a, r);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (runs[i]->part > 0) continue;
    const Attended reached = attended(a, *runs[i]);
    const std::int64_t of_run = runs[i]->gemms * a.m * reached.tokens * reached.context;
    elements[waves_[i]] += of_run;
    left -= of_run;
  }
  if (left > 0) elements[heads_on_npu] += left;
  Tasks done;
  for (auto& [stream, tasks] : streams_) {
    Task t;
    t.kind = TaskKind::npu_vector;
    t.executor = ExecutorId::vector_units();
    t.op = op_index(op.name);
    t.dependencies = tasks;
    t.vector = {op.vector, elements.at(stream), first_unit_, units_};
    done.push_back(add(std::move(t)));
    tasks = {done.back()};
  }
  return done;
}

/// Values: heads of a channel in turn, each when its softmax is there; through the banks, when all of the channel's inputs are.
BlockEmitter::Tasks BlockEmitter::streamed_values(const Operator& op, const AttentionPlacement& a, const Tasks& after) {
  const auto is_softmax = [&](std::int32_t task) {
    return std::any_of(streams_.begin(), streams_.end(), [task](const auto& stream) { return stream.second == Tasks{task}; });
  };
  Tasks rest;
  std::copy_if(after.begin(), after.end(), std::back_inserter(rest), [&](std::int32_t task) { return !is_softmax(task); });
  const auto waits_of = [&](int stream) {
    Tasks waits = rest;
    const auto own = streams_.find(stream);
    if (own != streams_.end()) waits.insert(waits.end(), own->second.begin(), own->second.end());
    return waits;
  };
  const int index = op_index(op.name);
  const std::vector<const HeadRun*> runs = runs_in_batch(a);
  std::map<std::pair<int, int>, std::vector<Extent>> inputs;  // by wave and channel
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (moves_directly(runs[i]->channel)) continue;
    const std::vector<Extent> input = input_of(a, *runs[i]);
    std::vector<Extent>& all = inputs[{waves_[i], runs[i]->channel}];
    all.insert(all.end(), input.begin(), input.end());
  }
  std::map<int, Tasks> scattered, gemms;
  for (auto& [place, extents] : inputs) {
    scattered[place.second].push_back(transfer(TaskKind::host_scatter, index, place.second, std::move(extents), waits_of(place.first)));
  }
  std::int64_t partial_sums = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const HeadRun& run = *runs[i];
    gemms[run.channel].push_back(head_gemm(op, a, run, moves_directly(run.channel) ? waits_of(waves_[i]) : scattered.at(run.channel)));
    partial_sums += sums_to_add(a, run);
  }
  Tasks done;
  for (const auto& [channel, tasks] : gemms) {
    if (moves_directly(channel)) {
      done.insert(done.end(), tasks.begin(), tasks.end());
    } else {
      done.push_back(transfer(TaskKind::host_load, index, channel, outputs_of_channel(a, channel), tasks));
    }
  }
  if (partial_sums > 0) done = {reduce(index, partial_sums, done)};
  attention_on_npu(op, a, waits_of(heads_on_npu), done);
  return done;
}

}  // namespace bondsim
