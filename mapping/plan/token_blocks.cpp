#include "mapping/plan/token_blocks.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>
#include <utility>

#include "mapping/plan/block_time.hpp"
#include "mapping/plan/plan.hpp"
#include "models/base/element_bytes.hpp"

namespace bondsim {
namespace {

/// A way of taking a batch.
struct Way {
  std::int64_t tokens = 0;  ///< of a block, at most
  bool residual_in_dram = false;
  bool sliced_ffn = false;
  double seconds = 0;  ///< estimate
};

/// The entries in their order, cut into batches of `tokens`, the last one shorter.
std::vector<Batch> cut(const Batch& batch, std::int64_t tokens) {
  std::vector<Batch> blocks;
  std::int64_t room = 0;
  for (const BatchEntry& r : batch.requests) {
    for (std::int64_t done = 0; done < r.tokens;) {
      if (room == 0) {
        blocks.emplace_back();
        blocks.back().step = batch.step;
        room = tokens;
      }
      BatchEntry part = r;
      part.tokens = std::min(room, r.tokens - done);
      done += part.tokens;
      part.context = r.context - r.tokens + done;
      if (done < r.tokens) part.yields = part.logits = 0;
      room -= part.tokens;
      blocks.back().requests.push_back(part);
    }
  }
  return blocks;
}

std::vector<std::int64_t> rows_by_vertex(const Plan& plan, const Batch& batch, int layer) {
  std::vector<std::int64_t> rows(plan.layer.size(), batch.tokens());
  std::vector<std::int64_t> of_expert;
  if (plan.model.moe) of_expert = expert_rows(*plan.model.moe, batch.tokens(), batch.step, layer);
  const LayerClass layers = plan.model.class_of(layer);
  for (OperatorId v = 0; v < plan.layer.size(); ++v) {
    const Operator& op = plan.layer[v];
    if (op.expert >= 0) rows[v] = of_expert[static_cast<std::size_t>(op.expert)];
    if (op.per_request) rows[v] = static_cast<std::int64_t>(batch.requests.size());
    if (!op.runs_in(layers)) rows[v] = 0;
  }
  return rows;
}

AttentionTile tile_of(const System& system, const AttentionProblem& p) {
  if (system.npu.fused_attention) return choose_attention_tile(system, p);
  return {p.heads, strip_rows(system, p), p.context, false};
}

/// The tile of attention over a context. A window that does not pay is left to its mask: all rows have all columns.
AttentionTile tile_attention_of(const System& system, AttentionProblem& p) {
  const AttentionTile tile = tile_of(system, p);
  if (p.window == 0) return tile;
  constexpr double worth = 0.98;  // what the estimates leave out
  AttentionProblem whole = p;
  whole.window = 0;
  whole.chunked = false;
  const AttentionTile of_whole = tile_of(system, whole);
  const bool fused = system.npu.fused_attention;
  const double strips = fused ? attention_seconds(system, p, tile) : strips_seconds(system, p, tile.rows);
  const double all = fused ? attention_seconds(system, whole, of_whole) : strips_seconds(system, whole, whole.m);
  if (strips <= worth * all) return tile;
  p = whole;
  return of_whole;
}

/// Tiles of a block's attention, which leaves room for the activations of its tokens.
std::map<std::string, TiledContexts> tile_attention(const Plan& plan, const Batch& batch, int layer) {
  std::map<std::string, TiledContexts> tiles;
  for (OperatorId v = 0; v < plan.layer.size(); ++v) {
    if (plan.layer[v].kind != OperatorKind::score_gemm) continue;
    TiledContexts contexts = attention_problems(plan, batch, layer, plan.layer[v]);
    bool windowed = false;
    for (auto& entry : contexts) {
      // Queries and values need their place too; however long the prompt, an eighth is for the tiles.
      auto& [p, tile] = entry.second;
      p.activation_bytes =
          std::max(activation_capacity(plan.system, plan.model, batch.tokens()) / 2, activation_capacity(plan.system, plan.model, 0) / 8);
      p.stationary_bytes = stream_capacity(plan.system);
      tile = tile_attention_of(plan.system, p);
      windowed = windowed || p.window > 0;
    }
    if (plan.system.npu.fused_attention || windowed) tiles.emplace(plan.layer[v].name, std::move(contexts));
  }
  return tiles;
}

/// Room for the tiles of attention that an estimate counts with, before they are chosen.
std::int64_t room_for_tiles(const Plan& plan, const Batch& batch, int layer) {
  const LayerClass layers = plan.model.class_of(layer);
  std::int64_t scores = 0;
  for (OperatorId v = 0; v < plan.layer.size(); ++v) {
    const Operator& op = plan.layer[v];
    if (op.kind != OperatorKind::score_gemm) continue;
    for (const BatchEntry& r : batch.requests) {
      const std::int64_t context = op.fixed_context > 0 ? op.fixed_context
                                   : layers.window > 0  ? layers.reach(r.context, r.tokens)
                                                        : r.context;
      scores = std::max(scores, 2 * bytes_of(r.tokens * context * op.heads.kv_heads * op.heads.queries, plan.model.bits.activation));
    }
  }
  return std::min(scores, activation_capacity(plan.system, plan.model, 0) / 8);
}

std::int64_t most_score_bytes(const TokenBlock& block) {
  std::int64_t most = 0;
  for (const auto& contexts : block.tiles) {
    for (const auto& entry : contexts.second) most = std::max(most, score_bytes(entry.second.problem, entry.second.tile));
  }
  return most;
}

/// Scores that operators leave when attention goes one after the other, by vertex; the softmax has those of its score_gemm.
std::vector<std::int64_t> scores_by_vertex(const Plan& plan, const Batch& batch, int layer) {
  std::vector<std::int64_t> scores(plan.layer.size(), 0);
  for (OperatorId v = 0; v < plan.layer.size(); ++v) {
    const Operator& op = plan.layer[v];
    if (op.kind == OperatorKind::score_gemm) {
      for (auto& entry : attention_problems(plan, batch, layer, op)) {
        AttentionProblem& p = entry.second.problem;
        if (p.window > 0) tile_attention_of(plan.system, p);
        scores[v] += p.heads * scores_of_head(p);
      }
    } else if (op.per_context) {
      for (const OperatorId u : plan.layer.inputs(v)) scores[v] = std::max(scores[v], scores[u]);
    }
  }
  return scores;
}

/// @param rows of the block's operators, by vertex
/// @param resident tokens whose residual stream is in the scratchpad; @param of_tiles bytes for attention's
std::vector<Spill> spills_of(const Plan& plan, TokenBlock& block, int layer, const std::vector<std::int64_t>& rows, std::int64_t resident,
                             std::int64_t of_tiles) {
  const bool fused = block.batch.has(Phase::prefill) && plan.system.npu.fused_attention;
  const auto scores = fused ? std::vector<std::int64_t>(plan.layer.size(), 0) : scores_by_vertex(plan, block.batch, layer);
  auto bytes = output_bytes(plan.layer, plan.model, rows, scores);
  for (OperatorId v = 0; block.sliced_ffn && v < plan.layer.size(); ++v) {
    if (!is_sliced(plan.layer, v)) continue;
    const std::int64_t slices = 2 * rows[v] * slice_columns(plan, plan.layer[v]);
    bytes[v] = std::min(bytes[v], bytes_of(slices, plan.model.bits.activation));
  }
  const std::int64_t capacity = std::max<std::int64_t>(0, activation_capacity(plan.system, plan.model, resident) - of_tiles);
  const bool all_fit = std::accumulate(bytes.begin(), bytes.end(), std::int64_t{0}) <= capacity;
  if (all_fit && !plan.system.npu.prefetch) return {};
  std::int64_t most = 0;
  auto spills = scratchpad_spills(plan.layer, bytes, capacity, plan.memory, &most);
  block.free_bytes = capacity - most;
  const bool any = std::any_of(spills.begin(), spills.end(), [](const Spill& s) { return s.bytes > 0; });
  return any ? spills : std::vector<Spill>();
}

class Chooser {
 public:
  Chooser(const Plan& plan, const Batch& batch, int layer)
      : plan_(plan), batch_(batch), layer_(layer), total_(batch.tokens()), time_(plan, layer) {}

  std::vector<TokenBlock> choose() {
    for (const std::int64_t tokens : sizes()) {
      for (const bool in_dram : {false, true}) {
        for (const bool sliced : {false, true}) consider({tokens, in_dram, sliced, 0});
      }
    }
    std::stable_sort(ways_.begin(), ways_.end(), [](const Way& a, const Way& b) { return a.seconds < b.seconds; });
    for (const Way& way : ways_) {
      auto blocks = made(way, true);
      if (!plan_.spill_bank_bytes || spill_bank_bytes(blocks, plan_.memory) <= *plan_.spill_bank_bytes) return blocks;
    }
    check(false, "step {}: no way of taking {} tokens spills at most {} bytes a bank", batch_.step, total_, *plan_.spill_bank_bytes);
    return {};
  }

 private:
  std::int64_t forced() const { return std::min<std::int64_t>(plan_.system.npu.prefill_block_tokens, total_); }

  /// All at once, equal parts, powers of two; the largest first.
  std::vector<std::int64_t> sizes() const {
    if (forced() > 0) return {forced()};
    constexpr std::int64_t most_parts = 64;
    std::set<std::int64_t, std::greater<>> sizes;
    for (std::int64_t parts = 1; parts <= std::min(total_, most_parts); ++parts) sizes.insert(ceil_div(total_, parts));
    for (std::int64_t tokens = 1; tokens < total_; tokens *= 2) sizes.insert(tokens);
    return {sizes.begin(), sizes.end()};
  }

  std::int64_t residual_bytes(std::int64_t tokens) const { return bytes_of(tokens * plan_.model.hidden, plan_.model.bits.activation); }

  void consider(const Way& way) {
    const bool one = way.tokens >= total_;
    const bool fits = residual_bytes(total_) <= activation_capacity(plan_.system, plan_.model, 0);
    if (one && way.residual_in_dram && fits) return;
    if (way.sliced_ffn && !plan_.sliceable_ffn) return;
    if (!fits && !way.residual_in_dram) return;
    // Where memory is given, others than the best may be needed.
    const double limit = plan_.spill_bank_bytes ? 4 * best_ : best_;
    if (static_cast<double>(ceil_div(total_, way.tokens)) * time_.weights_seconds() > limit) return;
    // Later blocks attend to more and take no less than the first; half of it leaves room for the last one, which is shorter.
    const std::int64_t blocks = ceil_div(total_, way.tokens);
    if (blocks > 2) {
      const TokenBlock first = made(way, false, 1).front();
      if (0.5 * static_cast<double>(blocks) * time_.seconds(first, rows_of(first.batch)) > limit) return;
    }
    double seconds = 0;
    for (const TokenBlock& b : made(way, false)) {
      seconds += time_.seconds(b, rows_of(b.batch));
      if (seconds >= limit) return;
    }
    best_ = std::min(best_, seconds);
    ways_.push_back(way);
    ways_.back().seconds = seconds;
  }

  /// @param whole with the tiles of attention, not only room for them
  /// @param most blocks that are made
  std::vector<TokenBlock> made(const Way& way, bool whole, std::size_t most = std::numeric_limits<std::size_t>::max()) {
    std::vector<TokenBlock> blocks;
    std::int64_t place = 0;
    for (Batch& part : cut(batch_, way.tokens)) {
      if (blocks.size() == most) break;
      TokenBlock b;
      b.batch = std::move(part);
      b.sliced_ffn = way.sliced_ffn;
      const std::int64_t tokens = b.batch.tokens();
      if (way.residual_in_dram) {
        b.residual = {residual_bytes(tokens), place};
        b.residual_streams = b.residual.bytes > activation_capacity(plan_.system, plan_.model, 0);
        place += spilled_bank_bytes(b.residual.bytes, plan_.memory);
      }
      blocks.push_back(std::move(b));
    }
    for (TokenBlock& b : blocks) {
      std::int64_t of_tiles = 0;
      const bool fused = plan_.system.npu.fused_attention;
      if (whole) b.tiles = tile_attention(plan_, b.batch, layer_);
      if (fused) of_tiles = whole ? most_score_bytes(b) : room_for_tiles(plan_, b.batch, layer_);
      const std::int64_t resident = b.residual_streams ? 0 : way.residual_in_dram ? b.batch.tokens() : total_;
      b.spills = whole || !fused ? spills_of(plan_, b, layer_, rows_of(b.batch), resident, of_tiles) : known_spills(b, resident, of_tiles);
      for (Spill& s : b.spills) s.bank_offset += place;
    }
    return blocks;
  }

  /// Experts are drawn token by token, so the rows of as many tokens are kept; of a step and layer they are the same.
  const std::vector<std::int64_t>& rows_of(const Batch& batch) {
    const auto key = std::make_pair(batch.tokens(), static_cast<std::int64_t>(batch.requests.size()));
    const auto known = rows_.find(key);
    return known != rows_.end() ? known->second : rows_.emplace(key, rows_by_vertex(plan_, batch, layer_)).first->second;
  }

  /// With fused attention, spills depend on nothing else.
  std::vector<Spill> known_spills(TokenBlock& b, std::int64_t resident, std::int64_t of_tiles) {
    const std::tuple key(b.batch.tokens(), resident, of_tiles, b.sliced_ffn);
    auto known = spills_.find(key);
    if (known == spills_.end()) {
      auto spills = spills_of(plan_, b, layer_, rows_of(b.batch), resident, of_tiles);
      known = spills_.emplace(key, std::make_pair(std::move(spills), b.free_bytes)).first;
    }
    b.free_bytes = known->second.second;
    return known->second.first;
  }

  const Plan& plan_;
  const Batch& batch_;
  int layer_;
  std::int64_t total_;
  BlockTime time_;
  double best_ = std::numeric_limits<double>::infinity();
  std::vector<Way> ways_;
  std::map<std::pair<std::int64_t, std::int64_t>, std::vector<std::int64_t>> rows_;  ///< by tokens and requests
  std::map<std::tuple<std::int64_t, std::int64_t, std::int64_t, bool>, std::pair<std::vector<Spill>, std::int64_t>> spills_;
};

}  // namespace

TiledContexts attention_problems(const Plan& plan, const Batch& batch, int layer, const Operator& scores) {
  const LayerClass layers = plan.model.class_of(layer);
  const AttentionPlacement& keys = plan.attention.at(scores.name);
  AttentionProblem common;
  common.head_dim = keys.head_dim;
  common.value_dim = scores.heads.value_dim;
  common.values_in_keys = keys.value_elements > 0;
  common.group = keys.m;
  common.bits = keys.bits;
  for (const HeadRun& run : keys.runs) common.channels_per_head = std::max(common.channels_per_head, run.parts);
  for (const HeadStripe& s : keys.stripes)
    common.channels_per_head = std::max(common.channels_per_head, static_cast<int>(s.channels.size()));
  TiledContexts contexts;
  for (const BatchEntry& r : batch.requests) {
    AttentionProblem& p = contexts.emplace(context_rows(r), TiledAttention{common, {}}).first->second.problem;
    p.context = keys.fixed_context > 0 ? keys.fixed_context : layers.reach(r.context, r.tokens);
    p.heads += keys.kv_heads;
    p.m = r.tokens * keys.m;
    if (keys.fixed_context > 0 || r.phase == Phase::decode || r.context <= layers.window) continue;
    p.window = layers.window;
    p.chunked = layers.chunked;
    p.first_column = r.context - p.context;
  }
  return contexts;
}

TokenBlock one_block(const Plan& plan, const Batch& batch, int layer) {
  TokenBlock block;
  block.batch = batch;
  block.spills = spills_of(plan, block, layer, rows_by_vertex(plan, batch, layer), batch.tokens(), 0);
  return block;
}

std::vector<TokenBlock> token_blocks(const Plan& plan, const Batch& batch, int layer) { return Chooser(plan, batch, layer).choose(); }

bool prefetches(const Plan& plan, const TokenBlock& block) {
  return plan.system.npu.prefetch && block.batch.has(Phase::prefill) && block.free_bytes >= stream_capacity(plan.system);
}

std::int64_t slice_columns(const Plan& plan, const Operator& op) {
  const std::int64_t columns = plan.system.npu.array_columns;
  const auto chunk = static_cast<std::int64_t>(plan.system.npu.dma_chunk_kib * 1024);
  const std::int64_t whole = op.n * chunk / std::max<std::int64_t>(1, fullest_channel_bytes(plan.weights.at(op.name), plan.memory));
  return std::min(op.n, std::max(columns, whole / columns * columns));
}

std::int64_t spill_bank_bytes(const std::vector<TokenBlock>& blocks, const MemoryMap& memory) {
  std::int64_t most = 0;
  for (const TokenBlock& b : blocks) {
    most = std::max(most, spill_bank_bytes(b.spills, memory));
    if (b.residual.bytes > 0) most = std::max(most, b.residual.bank_offset + spilled_bank_bytes(b.residual.bytes, memory));
  }
  return most;
}

}  // namespace bondsim
