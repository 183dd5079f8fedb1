#include <algorithm>
#include <optional>

#include "mapping/emit/block_emitter.hpp"
#include "mapping/emit/head_caches.hpp"

namespace bondsim {

/// Where a tile lies; `load` are tokens of the request.
struct FusedTile {
  ContextRows alike;  ///< entries of the batch
  Range heads, rows, columns;
  std::size_t strip = 0;          ///< number of its rows
  std::int64_t first_column = 0;  ///< that its rows have
  std::size_t earlier_loads = 0;  ///< of the head group that brought columns of its rows
  bool loads = false;             ///< brings K and V of tokens `load`
  Range load;
};

namespace {

OperatorId only_consumer(const OperatorGraph& graph, OperatorId v) {
  const std::vector<OperatorId>& users = graph.users(v);
  check(users.size() == 1, "{} feeds {} operators, one is expected", graph[v].name, users.size());
  return users.front();
}

std::vector<Range> pieces(const Range& whole, std::int64_t size) {
  std::vector<Range> out;
  for (std::int64_t from = whole.begin; from < whole.end; from += size) out.push_back({from, std::min(whole.end, from + size)});
  return out;
}

std::vector<FusedTile> tiles_of(const ContextRows& alike, const AttentionTile& size, const AttentionProblem& whole) {
  const std::int64_t together = size.keeps_stationary ? whole.context : columns_loaded(whole, size);
  const std::vector<AttentionStrip> strips = attention_strips(whole, size);
  std::vector<FusedTile> tiles;
  const bool moves_on = size.keeps_stationary && whole.window > 0;
  for (const Range& heads : pieces({0, whole.heads}, size.heads)) {
    std::vector<std::int64_t> loaded;  // ends of the loads, where the window moves on
    for (std::size_t strip = 0; strip < strips.size(); ++strip) {
      const auto& [rows, all] = strips[strip];
      for (const Range& columns : pieces(all, size.columns)) {
        FusedTile tile{alike, heads, rows, columns, strip, all.begin, 0, false, {}};
        if (moves_on) {
          // A strip brings the columns that those before it have not.
          tile.loads = columns.begin == all.begin;
          if (tile.loads) loaded.push_back(all.end);
          const auto before = loaded.end() - 1;
          tile.load = {std::max(all.begin, loaded.size() > 1 ? *(before - 1) : all.begin), all.end};
          tile.earlier_loads = static_cast<std::size_t>(
              std::count_if(loaded.begin(), before, [&, begin = all.begin](std::int64_t end) { return end > begin; }));
          tile.load = {tile.load.begin + whole.first_column, tile.load.end + whole.first_column};
          tiles.push_back(tile);
          continue;
        }
        tile.loads = (columns.begin - all.begin) % together == 0 && (rows.begin == 0 || !size.keeps_stationary);
        tile.load = {columns.begin, std::min(all.end, columns.begin + together)};
        if (size.keeps_stationary) tile.load = {0, whole.context};
        tile.load = {tile.load.begin + whole.first_column, tile.load.end + whole.first_column};
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
    const TiledContexts& contexts = e_.tokens_.tiles.at(graph_[scores_.op].name);
    for (Product* p : {&scores_, &values_}) {
      for (const auto& [rows, tiled] : contexts) p->works_of[rows] = e_.strip_work(graph_[p->op], tiled);
    }
    for (const auto& [rows, tiled] : contexts) {
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
    std::map<ContextRows, std::vector<std::int32_t>> works_of;  ///< by strip of rows
    std::optional<HeadCaches> caches;
    std::vector<Tasks> loads;           ///< one after the other
    std::vector<std::int32_t> readers;  ///< by load: the last task that needed what it brought
  };

  Product product(OperatorId v) {
    Product p;
    p.op = v;
    p.after = e_.dependencies_of(graph_, v);
    p.placement = &e_.plan_.attention.at(graph_[v].name);
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

  /// Loads of the columns that a tile's rows have: that of its strip, and those before it that brought some of them.
  static Tasks loads_of(const Product& p, std::size_t load, const FusedTile& tile) {
    Tasks tasks;
    for (std::size_t i = load - tile.earlier_loads; i <= load; ++i) tasks.insert(tasks.end(), p.loads[i].begin(), p.loads[i].end());
    return tasks;
  }

  /// The part that a tile is of its rows' products.
  static GemmPart part_of(const Product& p, const FusedTile& tile, std::int64_t n, std::int64_t k) {
    const std::vector<std::int32_t>& works = p.works_of.at(tile.alike);
    const bool strips = works.size() > 1;
    return {works[strips ? tile.strip : 0], tile.heads.begin, strips ? 0 : tile.rows.begin, n, k};
  }

  /// A product of a tile, when `after` and the loads of its operand are done.
  std::int32_t gemm(Product& p, const GemmShape& shape, const GemmPart& part, const Tasks& loads, Tasks after) {
    after.insert(after.end(), p.after.begin(), p.after.end());
    after.insert(after.end(), loads.begin(), loads.end());
    std::sort(after.begin(), after.end());
    const std::int32_t task = e_.npu_gemm(index(p), shape, part, p.placement->bits, {}, after);
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
    return e_.add(std::move(t));
  }

  void next(const FusedTile& tile) {
    if (tile.loads) {
      load(scores_, tile);
      if (!values_.placement->in_keys) load(values_, tile);
    }
    Pending now;
    now.tile = tile;
    now.load = scores_.loads.size() - 1;
    const std::int64_t key_dim = scores_.placement->head_dim, head_dim = values_.placement->head_dim, heads = tile.heads.size(),
                       rows = tile.rows.size();
    // Its place in the scratchpad is that of the tile before the last.
    const std::int32_t scores =
        gemm(scores_, {heads, rows, tile.columns.size(), key_dim}, part_of(scores_, tile, tile.columns.begin - tile.first_column, 0),
             loads_of(scores_, now.load, tile), last_values_ < 0 ? Tasks{} : Tasks{last_values_});
    scores_.readers[now.load] = scores;
    now.ready = vector(VectorKind::softmax, heads * rows * tile.columns.size(), {scores});
    e_.prefetch_beside(graph_, std::max(2 * e_.seconds_of(e_.block_.tasks[static_cast<std::size_t>(scores)].npu),
                                        e_.seconds_of(e_.block_.tasks[static_cast<std::size_t>(now.ready)].vector)));
    finish();
    if (tile.columns.begin > tile.first_column) now.ready = vector(VectorKind::rescale, heads * rows * head_dim, {now.ready, last_values_});
    pending_ = now;
  }

  /// The values of the tile whose scores are there.
  void finish() {
    if (!pending_) return;
    const FusedTile& tile = pending_->tile;
    Product& brings = values_.placement->in_keys ? scores_ : values_;  // V, with K or alone
    last_values_ =
        gemm(values_, {tile.heads.size(), tile.rows.size(), values_.placement->head_dim, tile.columns.size()},
             part_of(values_, tile, 0, tile.columns.begin - tile.first_column), loads_of(brings, pending_->load, tile), {pending_->ready});
    brings.readers[pending_->load] = last_values_;
    e_.block_.tasks.back().npu.accumulate = tile.columns.begin > tile.first_column;
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
