#include "mapping/emit/cache_moves.hpp"

#include <algorithm>

#include "mapping/emit/block_parts.hpp"

namespace bondsim {
namespace {

/// Layers of equal caches, or every layer for itself.
std::vector<LayerClass> layers_of(const Plan& plan) {
  if (!plan.header.all_layers) return plan.model.classes();
  std::vector<LayerClass> each;
  for (int layer = 0; layer < plan.model.layers; ++layer) {
    each.push_back(plan.model.class_of(layer));
    each.back().first = layer;
    each.back().count = 1;
  }
  return each;
}

}  // namespace

void CacheMoves::begin(const BatchStep& step) {
  check(moves_.empty(), "step {} begins while caches of the step before move", step.batch.step);
  step_ = step;
  const auto& table = plan_.kv_table;
  for (const CacheChange& change : step.caches) {
    if (moves(change.event)) move(change);
    if (!table) continue;
    switch (change.event) {
      case CacheEvent::released:
      case CacheEvent::swapped_out:
        table->release(change.request);
        break;
      case CacheEvent::shared:
        table->share(change.key, change.request, change.first, change.tokens);
        break;
      case CacheEvent::attached:
        table->attach(change.key, change.request);
        break;
      case CacheEvent::dropped:
        table->drop(change.key);
        break;
      case CacheEvent::swapped_in:
        break;
    }
  }
}

void CacheMoves::move(const CacheChange& change) {
  const bool out = change.event == CacheEvent::swapped_out;
  if (out) plan_.kv_swap->take(change.key, change.tokens);
  for (const LayerClass& layers : layers_of(plan_)) {
    const auto pieces = std::make_shared<const std::vector<Piece>>(pieces_of(change, layers.reach(change.tokens, 1)));
    moves_.push_back({layers, plan_.operator_index(out ? "swap_out" : "swap_in", Phase::decode), pieces});
  }
  if (!out) plan_.kv_swap->give_back(change.key);
}

std::vector<CacheMoves::Piece> CacheMoves::pieces_of(const CacheChange& change, std::int64_t tokens) const {
  const KvSwap& swap = *plan_.kv_swap;
  const auto chunk = static_cast<std::int64_t>(plan_.system.npu.dma_chunk_kib * 1024);
  const std::int64_t pages = chunk * swap.channels() / (swap.page_tokens() * swap.token_bytes());
  const std::int64_t step = std::max<std::int64_t>(1, pages) * swap.page_tokens();
  std::vector<Piece> pieces;
  for (std::int64_t first = 0; first < tokens; first += step) {
    const std::int64_t last = std::min(tokens, first + step);
    Piece piece{cache(change.request, first, last), swap.extents(change.key, first, last, plan_.memory)};
    if (change.event == CacheEvent::swapped_in) std::swap(piece.from, piece.to);
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

CacheMoves::ByChannel CacheMoves::cache(int request, std::int64_t first, std::int64_t last) const {
  ByChannel by_channel;
  for (const Extent& e : plan_.kv_table->tokens(request, first, last)) by_channel[e.channel].push_back(e);
  return by_channel;
}

bool CacheMoves::next(Block& block) {
  if (moves_.empty()) return false;
  const Move move = std::move(moves_.front());
  moves_.pop_front();
  block = Block{};
  block.step = static_cast<std::int32_t>(step_.batch.step);
  block.steps = step_.stands_for;
  block.not_before = step_.not_before;
  block.layer = move.layers.first;
  block.layers = move.layers.count;
  block.phase = Phase::decode;
  const auto add = [&](TaskKind kind, const ByChannel& extents, const std::vector<std::int32_t>& after) {
    std::vector<std::int32_t> tasks;
    for (const auto& [channel, of_channel] : extents) {
      Task t;
      t.kind = kind;
      t.op = move.op;
      t.executor = ExecutorId::of_channel(channel);
      t.dependencies = after;
      t.extents = plan_.memory.place(of_channel, Space::layer, block.layer);
      tasks.push_back(static_cast<std::int32_t>(block.tasks.size()));
      block.tasks.push_back(std::move(t));
    }
    return tasks;
  };
  // Half of the buffer is read into while the other half is written from. A channel's tasks run in their order, so a read stands before
  // the write that it goes beside.
  const std::vector<Piece>& pieces = *move.pieces;
  std::vector<std::int32_t> written, read;
  for (std::size_t i = 0; i <= pieces.size(); ++i) {
    const std::vector<std::int32_t> here = read, freed = written;
    if (i < pieces.size()) read = add(TaskKind::host_load, pieces[i].from, freed);
    if (i > 0) written = add(TaskKind::host_scatter, pieces[i - 1].to, here);
  }
  add_overhead(block, plan_.system.overhead, false);
  return true;
}

}  // namespace bondsim
