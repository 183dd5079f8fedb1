#include <algorithm>
#include <map>
#include <set>

#include "mapping/emit/block_emitter.hpp"
#include "mapping/plan/block_time.hpp"
#include "models/npu/rules.hpp"

namespace bondsim {

/// Weights of columns, by channel: the same part of what each bank holds. Where several operators have columns laid alike, the same
/// part has the same columns of all of them.
std::map<std::int32_t, std::vector<Extent>> BlockEmitter::weights_of(const WeightPiece& piece, const OperatorGraph& graph) const {
  const WeightPlacement& w = plan_.weights.at(graph[piece.op].name);
  std::map<std::int32_t, std::vector<Extent>> by_channel;
  const std::int64_t unit = plan_.memory.host_unit();
  for (const Extent& e : prefill_weights(w, plan_.memory)) {
    const std::int64_t bytes = e.max_bytes_per_bank();
    const auto place = [&](std::int64_t column) { return bytes * column / w.op.n; };
    const Extent part = e.slice(place(piece.columns.begin) / unit * unit, std::min(bytes, ceil_div(place(piece.columns.end), unit) * unit));
    if (part.bytes() > 0) by_channel[e.channel].push_back(part);
  }
  return by_channel;
}

BlockEmitter::Tasks BlockEmitter::load_piece(const OperatorGraph& graph, const WeightPiece& piece, const Tasks& after) {
  Tasks loads;
  const WeightPlacement& w = plan_.weights.at(graph[piece.op].name);
  for (auto& [channel, extents] : weights_of(piece, graph)) {
    loads.push_back(
        transfer(TaskKind::host_load, op_index(w.op.name), channel, plan_.memory.place(std::move(extents), w.space, layer()), after));
  }
  return loads;
}

std::vector<WeightPiece> BlockEmitter::wave_pieces(const OperatorGraph& graph, const std::vector<OperatorId>& wave) const {
  std::vector<WeightPiece> pieces;
  const auto add = [&](OperatorId u, std::int64_t from, std::int64_t columns) {
    WeightPiece piece{u, {from, std::min(graph[u].n, from + columns)}, 0};
    for (const auto& entry : weights_of(piece, graph)) {
      for (const Extent& e : entry.second) piece.bytes += e.bytes();
    }
    pieces.push_back(piece);
  };
  if (goes_by_slices(graph, wave.front())) {
    std::int64_t columns = graph[wave.front()].n;
    for (const OperatorId u : wave) columns = std::min(columns, slice_columns(plan_, graph[u]));
    for (std::int64_t from = 0; from < graph[wave.front()].n; from += columns) {
      for (const OperatorId u : wave) add(u, from, columns);
    }
    return pieces;
  }
  for (const OperatorId u : wave) {
    const std::int64_t columns = slice_columns(plan_, graph[u]);
    for (std::int64_t from = 0; from < graph[u].n; from += columns) add(u, from, columns);
  }
  return pieces;
}

/// Pieces of all weights of the layer, in the order in which operators are emitted.
void BlockEmitter::plan_prefetch(const OperatorGraph& graph) {
  stream_.reset();
  if (block_.layer < 0 || !prefetches(plan_, tokens_)) return;
  std::vector<WeightPiece> pieces;
  std::set<OperatorId> taken;
  for (const OperatorId v : level_order(graph)) {
    if (graph[v].kind != OperatorKind::weight_gemm || rows_of(graph[v]) == 0 || taken.count(v) > 0) continue;
    const std::vector<OperatorId> wave = wave_of(graph, v);
    taken.insert(wave.begin(), wave.end());
    for (const WeightPiece& p : wave_pieces(graph, wave)) pieces.push_back(p);
  }
  piece_loads_.assign(pieces.size(), {});
  stream_.emplace(std::move(pieces), tokens_.free_bytes, bus_bytes_a_second(plan_.system) * plan_.memory.channels());
}

void BlockEmitter::fetch(const OperatorGraph& graph, const WeightStream::Fetch& fetch) {
  for (std::size_t i = fetch.first; i < fetch.last; ++i) {
    const std::int64_t frees = stream_->frees(i);
    piece_loads_[i] = load_piece(graph, stream_->piece(i), frees < 0 ? Tasks() : Tasks{stream_->task(static_cast<std::size_t>(frees))});
  }
}

void BlockEmitter::prefetch_beside(const OperatorGraph& graph, double seconds) {
  if (stream_) fetch(graph, stream_->beside(seconds));
}

double BlockEmitter::seconds_of(const VectorWork& work) const {
  const NpuConfig& npu = plan_.system.npu;
  return static_cast<double>(vector_cycles(vector_operations(work, npu), work.units, npu)) * 1e-6 / npu.clock_mhz;
}

double BlockEmitter::seconds_of(const NpuGemm& gemm) const {
  return static_cast<double>(gemm_cycles(gemm.shape, gemm.bits, plan_.system.npu)) * 1e-6 / plan_.system.npu.clock_mhz;
}

/// The GEMM of a piece, whose weights come beside the computation of those before.
std::int32_t BlockEmitter::piece_gemm(const OperatorGraph& graph, const WeightPiece& piece, std::int32_t work, Tasks waits,
                                      const Tasks& loads) {
  const WeightPlacement& w = plan_.weights.at(graph[piece.op].name);
  waits.insert(waits.end(), loads.begin(), loads.end());
  std::sort(waits.begin(), waits.end());
  const GemmShape shape{1, rows_of(w.op), piece.columns.size(), w.op.k};
  return npu_gemm(op_index(w.op.name), shape, {work, 0, 0, piece.columns.begin, 0}, w.bits, {}, waits);
}

/// The next piece of the stream. @param waits what its computation waits for besides its weights
std::int32_t BlockEmitter::next_piece(const OperatorGraph& graph, OperatorId u, std::int32_t work, const Tasks& waits) {
  fetch(graph, stream_->need());
  const std::size_t i = stream_->next();
  const WeightPiece& piece = stream_->piece(i);
  check(piece.op == u, "weights of {} are fetched where those of {} are needed", graph[piece.op].name, graph[u].name);
  const std::int32_t task = piece_gemm(graph, piece, work, waits, piece_loads_[i]);
  stream_->computed(task);
  prefetch_beside(graph, seconds_of(block_.tasks[static_cast<std::size_t>(task)].npu));
  return task;
}

/// GEMMs one after the other, their weights ahead.
void BlockEmitter::prefetched_wave(const OperatorGraph& graph, const std::vector<OperatorId>& wave,
                                   const std::map<OperatorId, std::int32_t>& works, const Tasks& after) {
  for (const OperatorId u : wave) {
    for (const WeightPiece& p : wave_pieces(graph, {u})) done_[u] = {next_piece(graph, p.op, works.at(u), after)};
    move_spills(graph, u, after);
    emitted_[u] = true;
  }
}

}  // namespace bondsim
