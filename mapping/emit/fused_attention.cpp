#include <algorithm>
#include <map>

#include "mapping/emit/block_emitter.hpp"

namespace bondsim {
namespace {

/// The extent as extents whose banks hold equally much.
std::vector<Extent> even_extents(const Extent& e) {
  if (e.longer_banks == 0) return {e};
  std::vector<Extent> out;
  for (std::int32_t first = e.first_bank; first < e.first_bank + e.banks; first += e.group_banks()) {
    Extent part = e;
    part.groups = 1;
    part.longer_banks = 0;
    part.extra_bytes = 0;
    part.first_bank = first;
    part.banks = e.longer_banks;
    part.bytes_per_bank = e.max_bytes_per_bank();
    out.push_back(part);
    part.first_bank = first + e.longer_banks;
    part.banks = e.group_banks() - e.longer_banks;
    part.bytes_per_bank = e.bytes_per_bank;
    if (part.bytes() > 0) out.push_back(part);
  }
  return out;
}

/// What of every bank holds heads [first, last) of `heads`, in whole accesses; neighbours may share one.
std::vector<Extent> heads_of(const std::vector<Extent>& extents, std::int64_t first, std::int64_t last, std::int64_t heads,
                             std::int64_t unit) {
  std::vector<Extent> out;
  for (const Extent& extent : extents) {
    for (const Extent& e : even_extents(extent)) {
      const std::int64_t bytes = e.bytes_per_bank;
      const Extent part = e.slice(bytes * first / heads / unit * unit, std::min(bytes, ceil_div(bytes * last, heads * unit) * unit));
      if (part.bytes() > 0) out.push_back(part);
    }
  }
  return out;
}

OperatorId only_consumer(const OperatorGraph& graph, OperatorId v) {
  const auto edges = boost::make_iterator_range(boost::out_edges(v, graph));
  check(edges.size() == 1, "{} feeds {} operators, one is expected", graph[v].name, edges.size());
  return boost::target(*edges.begin(), graph);
}

}  // namespace

/// A tile is rows of the scores of one KV head: they go from the arrays to the vector units and back. While a tile is in the vector units,
/// the arrays compute the scores of the next and the values of the one before; two tiles are in the scratchpad.
void BlockEmitter::fused_attention(const OperatorGraph& graph, OperatorId qk) {
  const OperatorId softmax = only_consumer(graph, qk), sv = only_consumer(graph, softmax);
  const Tasks scores_after = dependencies_of(graph, qk), values_after = dependencies_of(graph, sv);
  const std::vector<Tile> tiles = attention_tiles(graph[qk], graph[sv]);
  std::vector<std::int32_t> normal(tiles.size());
  const auto values = [&](std::size_t i) {
    Tasks after = values_after;
    after.push_back(normal[i]);
    std::sort(after.begin(), after.end());
    done_[sv].push_back(
        npu_gemm(op_index(graph[sv].name), tiles[i].values, tiles[i].values_part, plan_.attention.at("sv").bits, tiles[i].v, after));
  };
  for (std::size_t i = 0; i < tiles.size(); ++i) {
    Tasks after = scores_after;
    // Its place in the scratchpad is that of the tile before the last.
    if (i >= 2) after.push_back(done_[sv][i - 2]);
    const std::int32_t scores =
        npu_gemm(op_index(graph[qk].name), tiles[i].scores, tiles[i].scores_part, plan_.attention.at("qk").bits, tiles[i].k, after);
    done_[qk].push_back(scores);
    Task t;
    t.kind = TaskKind::npu_vector;
    t.op = op_index(graph[softmax].name);
    t.dependencies = {scores};
    const GemmShape& s = tiles[i].scores;
    t.vector = {graph[softmax].vector, s.count * s.m * s.n, first_unit_, units_};
    normal[i] = add(std::move(t));
    done_[softmax].push_back(normal[i]);
    if (i > 0) values(i - 1);
  }
  if (!tiles.empty()) values(tiles.size() - 1);
  for (const OperatorId v : {qk, softmax, sv}) {
    emitted_[v] = true;
    move_spills(graph, v, v == sv ? values_after : scores_after);
  }
}

std::vector<BlockEmitter::Tile> BlockEmitter::attention_tiles(const Operator& qk, const Operator& sv) {
  const AttentionPlacement& keys = plan_.attention.at("qk");
  const AttentionPlacement& values = plan_.attention.at("sv");
  attention_work(qk, keys);
  const auto score_works = context_work_;
  attention_work(sv, values);
  const auto k_parts = npu_heads(keys), v_parts = npu_heads(values);
  const std::int64_t unit = plan_.memory.host_unit();
  std::vector<Tile> tiles;
  for (const auto& [context, k] : k_parts) {
    const NpuHeads& v = v_parts.at(context);
    const GemmShape whole = block_.work[static_cast<std::size_t>(score_works.at(context))].shape;
    // Two tiles of scores in half of what activations may take.
    const std::int64_t row_bytes = ceil_div(whole.n * keys.bits.activation, std::int64_t{8});
    const std::int64_t budget = activation_capacity(plan_.system, plan_.model, total_tokens()) / 4;
    const std::int64_t row_tiles = ceil_div(whole.m, std::clamp<std::int64_t>(budget / row_bytes, 1, whole.m));
    for (std::int64_t head = 0; head < k.heads; ++head) {
      for (std::int64_t r = 0; r < row_tiles; ++r) {
        const Range rows = even_part(whole.m, static_cast<int>(row_tiles), static_cast<int>(r), 1);
        Tile t;
        t.scores = {1, rows.size(), whole.n, whole.k};
        t.values = {1, rows.size(), whole.k, whole.n};
        t.scores_part = {score_works.at(context), k.first + head, rows.begin, 0, 0};
        t.values_part = {context_work_.at(context), v.first + head, rows.begin, 0, 0};
        t.k = heads_of(k.extents, head, head + 1, k.heads, unit);
        t.v = heads_of(v.extents, head, head + 1, v.heads, unit);
        tiles.push_back(std::move(t));
      }
    }
  }
  return tiles;
}

}  // namespace bondsim
