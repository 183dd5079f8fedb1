#include "mapping/explain/explain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "mapping/llm/size.hpp"
#include "mapping/tiling/tiling.hpp"
#include "models/base/quantity.hpp"
#include "models/nmp/tile_loop.hpp"

namespace bondsim {
namespace {

using Text = fmt::memory_buffer;

template <class... Args>
void put(Text& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
}

double mb(std::int64_t bytes) { return static_cast<double>(bytes) / 1e6; }

double kib(std::int64_t bytes) { return static_cast<double>(bytes) / 1024; }

std::string who(const Binding& b) {
  const std::string nmp = "NMP channels " + channel_ranges(b.nmp_channels);
  const std::string normal = "normal channels " + channel_ranges(b.normal_channels);
  switch (b.executor) {
    case Executor::nmp:
      return "held and run by " + nmp;
    case Executor::split:
      return fmt::format("split: {:.2f} % held and run by {}, the rest on {} and run by the NPU", 100 * b.nmp_share, nmp, normal);
    case Executor::npu:
      if (b.nmp_channels.empty()) return "run by the NPU, held by " + normal;
      return b.normal_channels.empty() ? "run by the NPU, held by " + nmp : "run by the NPU, held by " + nmp + " and " + normal;
  }
  return "";
}

void put_tile(Text& out, const Plan& plan, int channel, const TilingProblem& problem, const NmpTiling& tile) {
  const NmpConfig& nmp = plan.system.nmp_of(channel);
  const TilingFootprint f = footprint(nmp, problem, tile);
  const std::int64_t rows = TileLoop::piece_rows(tile, problem.k, problem.n, problem.bits.stationary,
                                                 nmp.pe_for(problem.bits.activation, problem.bits.stationary));
  const std::int64_t piece_bytes = ceil_div<std::int64_t>(rows * tile.n_tile * problem.bits.stationary, 8);
  put(out,
      "      tiles of {} columns x {} of K a PE: weights in pieces of {:.1f} of {:.1f} KiB{}, input {:.1f} of {:.1f} KiB, sums {:.2f} of "
      "{:.2f} KiB",
      tile.n_tile, tile.k_tile, kib(piece_bytes), nmp.pe.weight_buffer_kib / (nmp.pe.double_buffered_weights ? 2 : 1),
      nmp.pe.double_buffered_weights ? " (half, the other half loads)" : "", kib(f.input_bytes), nmp.input_buffer_kib, kib(f.output_bytes),
      nmp.pe.output_buffer_kib);
  const std::int64_t n_tiles = ceil_div(problem.n, tile.n_tile);
  const bool again = !input_resident(nmp, problem) && n_tiles > 1;
  const double cost = tiling_cost_ps(nmp, problem, tile);
  put(out, "; {}; {:.2f} us in the PEs; twice as large would help: {}\n",
      again ? fmt::format("the input is read {} times, it does not fit as a whole", n_tiles) : "the input is read once", 1e-6 * cost,
      buffer_gains(nmp, problem, cost).text());
}

void put_weights(Text& out, const Plan& plan, const WeightPlacement& w) {
  put(out, "  {:<8} [{}, {}] x {} rows, {:.1f} MB; {}\n", w.op.name, w.op.k, w.op.n, w.m, mb(w.op.k * w.op.n * w.bits.stationary / 8),
      who(plan.dataflow.binding(w.op.name)));
  if (w.shares.empty()) return;
  const bool searched = plan.dataflow.split() == SplitPolicy::search;
  const auto& group = plan.weight_group.at(w.op.name);
  put(out, "      cut K x N as {}: closed form {} takes {:.2f} us, the best of all cuts {} takes {:.2f} us; {}", w.split.text(),
      w.report.closed_form.text(), w.report.closed_form_us, w.report.searched.text(), w.report.searched_us,
      searched ? "split: search takes the best" : "split: closed_form takes the first");
  if (group.size() > 1) put(out, "; together with {} of the same input, one scatter for all", fmt::join(group, " "));
  put(out, "\n");
  const WeightShare& share = w.shares.front();
  put_tile(out, plan, share.channel, weight_tiling_problem(plan.system, share.channel, w.bits, w.m, share.k.size(), share.n.size()),
           share.tiling);
}

std::string deals(const std::vector<HeadDeal>& deals) {
  std::string text;
  for (const HeadDeal& d : deals) {
    text += fmt::format("{}{} heads on {} channel{} each", text.empty() ? "" : ", ", d.heads, d.parts, d.parts > 1 ? "s" : "");
  }
  return text;
}

void put_attention(Text& out, const Plan& plan, const std::string& name, const AttentionPlacement& a) {
  put(out, "  {:<8} {} cache of {} requests x {} heads of {}; {}\n", name, a.keys ? "K" : "V", plan.workload.batch, a.kv_heads, a.head_dim,
      who(plan.dataflow.binding(name)));
  if (a.in_keys) put(out, "      V is the first {} of the {} elements of the rows of K, one cache for both\n", a.head_dim, a.row_elements);
  if (a.runs.empty()) return;
  if (a.in_keys) {
    put(out, "      each of a head's PEs has whole tokens: their values are partial sums of all columns, which the vector units add up\n");
  } else {
    put(out, "      published rule: {} ({:.2f} us at the longest context); by search: {} ({:.2f} us); used: the {}\n", deals(a.rule),
        a.rule_us, deals(a.searched), a.searched_us, plan.dataflow.split() == SplitPolicy::search ? "second" : "first");
  }
  for (const HeadRun& run : a.runs) {
    if (run.channel != a.runs.front().channel) break;
    put(out, "      channel {}: heads {} to {} side by side, {} PEs each from PE {}{}\n", run.channel, run.first_head,
        run.first_head + run.gemms - 1, run.pes_per_gemm, run.first_pe,
        run.parts > 1 ? fmt::format(", every {}-th token", run.parts) : std::string());
  }
  const HeadRun& run = a.runs.front();
  const Attended span{plan.workload.final_tokens(run.request), a.tokens};
  put_tile(out, plan, run.channel, run_problem(plan.system, a, run, span), run_tiling(plan.system, a, run, span));
}

void put_vector(Text& out, const VectorPlacement& p) {
  std::vector<int> channels;
  for (const VectorShare& share : p.shares) channels.push_back(share.channel);
  put(out, "  {:<8} {} elements of a row; by the vector units of NMP channels {}, {}; {}, {}\n", p.op.name, p.width,
      channel_ranges(channels), p.by_rows ? "row by row" : "each its columns",
      p.from.empty() ? "operands scattered" : fmt::format("operands where {} left them", fmt::join(p.from, " and ")),
      p.into.empty() ? "results loaded" : fmt::format("results left for {}", p.into));
}

void put_tiles(Text& out, const TiledAttention& tiled) {
  const auto& [p, tile] = tiled;
  const std::string loaded =
      tile.keeps_stationary ? "K and V are loaded once" : fmt::format("K and V are loaded {} times", ceil_div(p.m, tile.rows));
  put(out,
      "  attention over {} tokens, {} heads of {} query rows: tiles of {} heads x {} rows x {} columns of scores, {:.1f} KiB of the "
      "scratchpad{}; {}, in {:.1f} KiB\n",
      p.context, p.heads, p.m, tile.heads, tile.rows, tile.columns, kib(score_bytes(p, tile)),
      tile.columns < p.context ? ", running softmax" : "", loaded, kib(stationary_bytes(p, tile)));
}

void put_prefill(Text& out, const Plan& plan) {
  if (plan.prefill.empty()) return put(out, "prefill: none, K and V of the prompts are in the caches\n");
  put(out, "prefill: every operator on the NPU, from where its operand lies\n");
  const TokenBlock& first = plan.prefill.front();
  std::int64_t spilled = 0;
  for (const TokenBlock& b : plan.prefill) {
    for (const Spill& s : b.spills) spilled += s.bytes;
  }
  put(out,
      "  a layer takes the prompts in {} of at most {} tokens; residual stream {}, f1, f3 and activation {}, {:.1f} MB of outputs "
      "spilled\n",
      plan.prefill.size() == 1 ? "1 block" : fmt::format("{} blocks", plan.prefill.size()), first.batch.tokens(),
      first.residual.bytes > 0 ? "in DRAM between layers" : "in the scratchpad",
      first.sliced_ffn ? "by slices of columns" : "one after the other", mb(spilled));
  std::map<std::pair<std::string, ContextRows>, const TiledAttention*> tiles;
  for (const TokenBlock& b : plan.prefill) {
    for (const auto& [name, contexts] : b.tiles) {
      for (const auto& [rows, tiled] : contexts) tiles.emplace(std::make_pair(name, rows), &tiled);
    }
  }
  for (const auto& entry : tiles) put_tiles(out, *entry.second);
}

void put_order(Text& out, const Plan& plan) {
  const auto& groups = plan.dataflow.groups();
  if (groups.empty()) {
    put(out, "order: an operator starts when its inputs are there; a channel takes one after the other\n");
    return;
  }
  put(out, "order: access groups one after the other, their partitions side by side, tiers of a partition one after the other\n");
  for (std::size_t g = 0; g < groups.size(); ++g) {
    put(out, "  group {}{}\n", g, groups[g].tiers_in_step ? ": more partitions than vector units, so their tiers go in step" : "");
    for (const Partition& p : groups[g].partitions) {
      put(out, "    NMP channels {}{}, vector units {}-{}:", channel_ranges(p.nmp_channels), p.normal ? " and the normal ones" : "",
          p.first_unit, p.first_unit + p.units - 1);
      for (const auto& tier : p.tiers) put(out, " [{}]", fmt::join(tier, " "));
      put(out, "\n");
    }
  }
}

/// Kinds of layers, where there are several.
void put_classes(Text& out, const Model& model) {
  const auto classes = model.classes();
  for (const LayerClass& c : classes) {
    if (classes.size() == 1 && c.window == 0) break;
    put(out, "  {} layers from {} on: {}, {}\n", c.count, c.first, model.moe ? (c.experts ? "experts" : "one FFN") : "FFN",
        c.window == 0 ? "attention to all tokens"
                      : fmt::format("attention to {} {} tokens", c.chunked ? "chunks of" : "the last", c.window));
  }
}

}  // namespace

std::string channel_ranges(const std::vector<int>& channels) {
  std::string out;
  for (std::size_t i = 0; i < channels.size();) {
    std::size_t j = i;
    while (j + 1 < channels.size() && channels[j + 1] == channels[j] + 1) ++j;
    out += out.empty() ? "" : ", ";
    out += i == j ? fmt::format("{}", channels[i]) : fmt::format("{}-{}", channels[i], channels[j]);
    i = j + 1;
  }
  return out.empty() ? "none" : out;
}

std::string explain(const Plan& plan) {
  Text out;
  const Workload& w = plan.workload;
  put(out, "{} on {} ({} NMP and {} normal channels, {} banks each), dataflow {}\n", plan.model.name, plan.system.name,
      plan.system.nmp_channel_count(), plan.system.channel_count() - plan.system.nmp_channel_count(), plan.memory.banks(),
      plan.dataflow.name());
  put(out, "batch {}, {} prompt tokens{}, {} generated; {} layers, {}\n", w.batch, w.prompt_of(0),
      w.prompts.empty() ? "" : " (first request)", w.generated_tokens, plan.model.layers,
      w.layers == LayerMode::one ? "one block stands for all of them" : "a block each");
  const ModelSize size = model_size(plan.model);
  put(out,
      "{:.3f} B parameters, {:.3f} GB; a token has {:.1f} KiB of K and V and takes {:.3f} GMAC, and {:.1f} kMAC for each token of its "
      "context\n",
      static_cast<double>(size.parameters) / 1e9, static_cast<double>(size.weight_bytes) / 1e9, kib(size.kv_bytes),
      static_cast<double>(size.macs_per_token) / 1e9, static_cast<double>(size.macs_per_context) / 1e3);
  put_classes(out, plan.model);
  put_prefill(out, plan);
  put_order(out, plan);
  put(out, "decode\n");
  for (const OperatorGraph* graph : {&plan.layer, &plan.head}) {
    for (const OperatorId v : level_order(*graph)) {
      const Operator& op = (*graph)[v];
      if (op.kind == OperatorKind::weight_gemm) put_weights(out, plan, plan.weights.at(op.name));
      if (plan.vectors.count(op.name) > 0) put_vector(out, plan.vectors.at(op.name));
      if (op.kind == OperatorKind::score_gemm || op.kind == OperatorKind::value_gemm)
        put_attention(out, plan, op.name, plan.attention.at(op.name));
    }
  }
  put(out, "memory, all layers, KV for every token of the run\n{}", plan.memory.text());
  return fmt::to_string(out);
}

}  // namespace bondsim
