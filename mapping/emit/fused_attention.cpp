#include <algorithm>
#include <optional>

#include "mapping/emit/block_emitter.hpp"
#include "mapping/emit/head_caches.hpp"

namespace bondsim {

/// Where a tile lies.
struct FusedTile {
  ContextRows alike;  ///< entries of the batch
  Range heads, rows, columns;
  bool loads = false;  ///< brings K and V of tokens `load`
  Range load;
};

namespace {

OperatorId only_consumer(const OperatorGraph& graph, OperatorId v) {
  const std::vector<OperatorId>& users = graph.users(v);
  check(users.size() == 1, "{} feeds {} operators, one is expected", graph[v].name, users.size());
  return users.front();
}

std::vector<Range> pieces(std::int64_t whole, std::int64_t size) {
  std::vector<Range> out;
  for (std::int64_t from = 0; from < whole; from += size) out.push_back({from, std::min(whole, from + size)});
  return out;
}

std::vector<FusedTile> tiles_of(const ContextRows& alike, const AttentionTile& size, const AttentionProblem& whole) {
  const std::int64_t together = size.keeps_stationary ? whole.context : columns_loaded(whole, size);
  std::vector<FusedTile> tiles;
  for (const Range& heads : pieces(whole.heads, size.heads)) {
    for (const Range& rows : pieces(whole.m, size.rows)) {
      for (const Range& columns : pieces(whole.context, size.columns)) {
        FusedTile tile{alike, heads, rows, columns, false, {}};
        tile.loads = columns.begin % together == 0 && (rows.begin == 0 || !size.keeps_stationary);
        tile.load = {columns.begin, std::min(whole.context, columns.begin + together)};
        tiles.push_back(tile);
      }
    }
  }
  return tiles;
}

}  // namespace

/// Writes the tasks of tiles in turn. The arrays compute the scores of a tile, then the values of the one before, which the vector units
/// have had in the meantime; the DMA brings K and V of the next.
class FusedAttention {
 public:
  FusedAttention(BlockEmitter& emitter, const OperatorGraph& graph, OperatorId qk)
      : e_(emitter),
        graph_(graph),
        softmax_(only_consumer(graph, qk)),
        scores_(product(qk)),
        values_(product(only_consumer(graph, softmax_))) {}

  void emit() {
    for (const auto& entry : scores_.works) {
      const ContextRows& rows = entry.first;
      const auto planned = e_.tokens_.tiles.find(rows);
      check(planned != e_.tokens_.tiles.end(), "no tiles of attention of {} tokens over {}", rows.second, rows.first);
      const TiledAttention& tiled = planned->second;
      scores_.caches.emplace(*scores_.placement, e_.batch_, rows);
      values_.caches.emplace(*values_.placement, e_.batch_, rows);
      for (const FusedTile& tile : tiles_of(rows, tiled.tile, tiled.problem)) next(tile);
    }
    finish();
    for (const OperatorId v : {scores_.op, softmax_, values_.op}) {
      e_.emitted_[v] = true;
      e_.move_spills(graph_, v, v == values_.op ? values_.after : scores_.after);
    }
  }

 private:
  using Tasks = BlockEmitter::Tasks;

  /// One of the two products, with what it needs of K or V.
  struct Product {
    OperatorId op = 0;
    Tasks after;
    const AttentionPlacement* placement = nullptr;
    std::map<ContextRows, std::int32_t> works;
    std::optional<HeadCaches> caches;
    std::vector<Tasks> loads;           ///< one after the other
    std::vector<std::int32_t> readers;  ///< by load: the last task that needed what it brought
  };

  Product product(OperatorId v) {
    Product p;
    p.op = v;
    p.after = e_.dependencies_of(graph_, v);
    p.placement = &e_.plan_.attention.at(graph_[v].name);
    e_.attention_work(graph_[v], *p.placement);
    p.works = e_.context_work_;
    return p;
  }

  /// Two loads have a place in the scratchpad: this one has that of the load before the last.
  void load(Product& p, const FusedTile& tile) {
    Tasks after = p.after;
    if (p.loads.size() >= 2) after.push_back(p.readers[p.loads.size() - 2]);
    Tasks tasks;
    for (auto& [channel, extents] : p.caches->extents(tile.heads.begin, tile.heads.end, tile.load.begin, tile.load.end, e_.plan_.memory)) {
      tasks.push_back(e_.transfer(TaskKind::host_load, index(p), channel, e_.in_layer(std::move(extents)), after));
    }
    p.loads.push_back(std::move(tasks));
    p.readers.push_back(-1);
  }

  int index(const Product& p) const { return e_.op_index(graph_[p.op].name); }

  /// A product of a tile, when `after` and load `load` are done.
  std::int32_t gemm(Product& p, const GemmShape& shape, const GemmPart& part, std::size_t load, Tasks after) {
    after.insert(after.end(), p.after.begin(), p.after.end());
    after.insert(after.end(), p.loads[load].begin(), p.loads[load].end());
    std::sort(after.begin(), after.end());
    const std::int32_t task = e_.npu_gemm(index(p), shape, part, p.placement->bits, {}, after);
    p.readers[load] = task;
    e_.done_[p.op] = {task};  // the arrays take one after the other
    return task;
  }

  std::int32_t vector(VectorKind kind, std::int64_t elements, Tasks after) {
    Task t;
    t.kind = TaskKind::npu_vector;
    t.executor = ExecutorId::vector_units();
    t.op = e_.op_index(graph_[softmax_].name);
    t.dependencies = std::move(after);
    t.vector = {kind, elements, e_.first_unit_, e_.units_};
    const std::int32_t task = e_.add(std::move(t));
    e_.done_[softmax_] = {task};
    return task;
  }

  void next(const FusedTile& tile) {
    if (tile.loads) {
      load(scores_, tile);
      load(values_, tile);
    }
    Pending now;
    now.tile = tile;
    now.load = values_.loads.size() - 1;
    const std::int64_t key_dim = scores_.placement->head_dim, head_dim = values_.placement->head_dim, heads = tile.heads.size(),
                       rows = tile.rows.size();
    // Its place in the scratchpad is that of the tile before the last.
    const std::int32_t scores = gemm(scores_, {heads, rows, tile.columns.size(), key_dim},
                                     {scores_.works.at(tile.alike), tile.heads.begin, tile.rows.begin, tile.columns.begin, 0}, now.load,
                                     last_values_ < 0 ? Tasks{} : Tasks{last_values_});
    now.ready = vector(VectorKind::softmax, heads * rows * tile.columns.size(), {scores});
    e_.prefetch_beside(graph_, std::max(2 * e_.seconds_of(e_.block_.tasks[static_cast<std::size_t>(scores)].npu),
                                        e_.seconds_of(e_.block_.tasks[static_cast<std::size_t>(now.ready)].vector)));
    finish();
    if (tile.columns.begin > 0) now.ready = vector(VectorKind::rescale, heads * rows * head_dim, {now.ready, last_values_});
    pending_ = now;
  }

  /// The values of the tile whose scores are there.
  void finish() {
    if (!pending_) return;
    const FusedTile& tile = pending_->tile;
    last_values_ =
        gemm(values_, {tile.heads.size(), tile.rows.size(), values_.placement->head_dim, tile.columns.size()},
             {values_.works.at(tile.alike), tile.heads.begin, tile.rows.begin, 0, tile.columns.begin}, pending_->load, {pending_->ready});
    e_.block_.tasks.back().npu.accumulate = tile.columns.begin > 0;
    pending_.reset();
  }

  struct Pending {
    FusedTile tile;
    std::size_t load = 0;
    std::int32_t ready = -1;  ///< task after which the vector units are done with it
  };

  BlockEmitter& e_;
  const OperatorGraph& graph_;
  OperatorId softmax_;
  Product scores_, values_;
  std::optional<Pending> pending_;
  std::int32_t last_values_ = -1;
};

void BlockEmitter::fused_attention(const OperatorGraph& graph, OperatorId qk) { FusedAttention(*this, graph, qk).emit(); }

}  // namespace bondsim
