#include <algorithm>

#include "mapping/emit/block_emitter.hpp"
#include "mapping/emit/head_caches.hpp"

/// Products of prefill whose rows have columns of their own: of layers with a window.
namespace bondsim {

std::vector<std::int32_t> BlockEmitter::strip_work(const Operator& op, const TiledAttention& tiled) {
  const AttentionProblem& p = tiled.problem;
  const bool scores = op.kind == OperatorKind::score_gemm;
  const auto entry = [&](std::int64_t rows, std::int64_t columns) {
    return work(op_index(op.name), {p.heads, rows, scores ? columns : op.heads.value_dim, scores ? op.heads.key_dim : columns});
  };
  if (p.window == 0) return {entry(p.m, p.context)};
  std::vector<std::int32_t> works;
  for (const AttentionStrip& s : attention_strips(p, tiled.tile)) works.push_back(entry(s.rows.size(), s.columns.size()));
  return works;
}

bool BlockEmitter::attends_by_strips() const {
  return phase_ == Phase::prefill && !plan_.system.npu.fused_attention && !tokens_.tiles.empty();
}

BlockEmitter::Tasks BlockEmitter::attention_by_strips(const Operator& op, const Operator& scores, const Tasks& after) {
  const AttentionPlacement& a = plan_.attention.at(op.name);
  Tasks done;
  for (const auto& [rows, tiled] : tokens_.tiles.at(scores.name)) {
    const HeadCaches caches(a, batch_, rows);
    const std::vector<AttentionStrip> strips = attention_strips(tiled.problem, tiled.tile);
    const std::vector<std::int32_t> works = strip_work(op, tiled);
    for (std::size_t i = 0; i < works.size(); ++i) {
      const GemmShape shape = block_.work[static_cast<std::size_t>(works[i])].shape;
      std::vector<Extent> stationary;
      const std::int64_t first = tiled.problem.first_column;
      for (auto& entry : caches.extents(0, caches.heads(), first + strips[i].columns.begin, first + strips[i].columns.end, plan_.memory))
        stationary.insert(stationary.end(), entry.second.begin(), entry.second.end());
      done.push_back(npu_gemm(op_index(op.name), shape, {works[i], 0, 0, 0, 0}, a.bits, in_layer(std::move(stationary)), after));
    }
  }
  return done;
}

std::int64_t BlockEmitter::scores_of_strips(const Operator& scores) const {
  std::int64_t sum = 0;
  for (const auto& entry : tokens_.tiles.at(scores.name)) {
    const AttentionProblem& p = entry.second.problem;
    std::int64_t of_head = 0;
    for (const AttentionStrip& s : attention_strips(p, entry.second.tile)) of_head += s.rows.size() * s.columns.size();
    sum += p.heads * of_head;
  }
  return sum;
}

}  // namespace bondsim
