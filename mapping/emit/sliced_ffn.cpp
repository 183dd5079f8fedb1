#include <algorithm>
#include <map>

#include "mapping/emit/block_emitter.hpp"
#include "mapping/plan/block_time.hpp"

namespace bondsim {

bool BlockEmitter::goes_by_slices(const OperatorGraph& graph, OperatorId v) const {
  return phase_ == Phase::prefill && tokens_.sliced_ffn && is_sliced(graph, v);
}

void BlockEmitter::sliced_wave(const OperatorGraph& graph, const std::vector<OperatorId>& wave,
                               const std::map<OperatorId, std::int32_t>& works, const Tasks& after) {
  constexpr std::size_t slices_in_scratchpad = 2;
  const OperatorId act = graph.users(wave.front()).front();
  const Operator& activation = graph[act];
  const std::int64_t n = graph[wave.front()].n, rows = rows_of(activation);
  std::vector<std::int32_t> gemms, activated;
  Tasks sums;
  for (const WeightPiece& piece : wave_pieces(graph, wave)) {
    Tasks waits = after;
    if (activated.size() >= slices_in_scratchpad) waits.push_back(activated[activated.size() - slices_in_scratchpad]);
    if (stream_) {
      gemms.push_back(next_piece(graph, piece.op, works.at(piece.op), waits));
    } else {
      Tasks room = after;
      if (gemms.size() >= slices_in_scratchpad) room = {gemms[gemms.size() - slices_in_scratchpad]};
      const Tasks loads = load_piece(graph, piece, room);
      gemms.push_back(piece_gemm(graph, piece, works.at(piece.op), waits, loads));
    }
    done_[piece.op] = {gemms.back()};
    sums.push_back(gemms.back());
    if (sums.size() < wave.size()) continue;
    Task t;
    t.kind = TaskKind::npu_vector;
    t.executor = ExecutorId::vector_units();
    t.op = op_index(activation.name);
    t.dependencies = std::exchange(sums, {});
    t.vector = {activation.vector, activation.elements_per_token * rows * piece.columns.size() / n, first_unit_, units_};
    activated.push_back(add(std::move(t)));
  }
  done_[act] = {activated.back()};
  for (const OperatorId u : wave) move_spills(graph, u, after);
  move_spills(graph, act, after);
  for (const OperatorId u : wave) emitted_[u] = true;
  emitted_[act] = true;
}

}  // namespace bondsim
