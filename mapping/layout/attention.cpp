#include "mapping/layout/attention.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "mapping/tiling/rounds.hpp"
#include "mapping/tiling/tiling.hpp"
#include "models/base/element_bytes.hpp"
#include "models/base/quantity.hpp"
#include "models/system/peaks.hpp"

namespace bondsim {
namespace {

/// A KV head of a request.
struct Head {
  int request = 0;
};

std::int64_t longest_context(const Workload& w) {
  std::int64_t longest = 0;
  for (int r = 0; r < w.batch; ++r) longest = std::max(longest, w.reserved_tokens(r));
  return longest;
}

/// Elements of a token that lie in the bank of PE `pe` of a head: K: all of the head; V: the PE's columns.
std::int64_t elements_of_pe(const AttentionPlacement& a, const HeadRun& run, int pe) {
  return a.keys ? a.head_dim : even_part(a.head_dim, run.pes_per_gemm, pe, 1).size();
}

/// How many of a part's first `local` tokens lie there: K: the tokens dealt to the PE; V: all.
std::int64_t tokens_of_pe(const AttentionPlacement& a, const HeadRun& run, int pe, std::int64_t local) {
  return a.keys ? tokens_of_part(local, run.pes_per_gemm, pe) : local;
}

std::int64_t blocks_of(const AttentionPlacement& a, const HeadRun& run) { return ceil_div(elements_of_pe(a, run, 0), run.block_elements); }

/// Bytes of a token in a block.
std::int64_t row_bytes(const AttentionPlacement& a, const HeadRun& run, int pe, std::int64_t block) {
  const std::int64_t left = elements_of_pe(a, run, pe) - block * run.block_elements;
  return bytes_of(std::clamp<std::int64_t>(left, 0, run.block_elements), a.bits.stationary);
}

/// Elements of a token that are kept together: a tile of K (for the input buffer) or of columns of V (for the accumulators) at most.
std::int64_t block_elements(const PlanContext& c, const AttentionPlacement& a, const HeadRun& run) {
  const NmpConfig& nmp = c.system.nmp_of(run.channel);
  const double kib = a.keys ? nmp.input_buffer_kib : nmp.pe.output_buffer_kib;
  const std::int64_t bits_each = a.keys ? run.gemms * a.m * a.bits.activation : a.m * a.bits.accumulator;
  const std::int64_t limit = static_cast<std::int64_t>(kib * 1024) * 8 / bits_each;
  if (limit < 1) {
    throw InfeasibleError(fmt::format("attention: {} GEMMs of {} rows need {} bytes of {} buffer for one element of a head, {} KiB there",
                                      run.gemms, a.m, ceil_div(bits_each, std::int64_t{8}), a.keys ? "input" : "output", kib));
  }
  const std::int64_t elements = elements_of_pe(a, run, 0);
  return ceil_div(elements, ceil_div(elements, limit));
}

/// Bytes of the fullest bank of a run's cache that may grow to `tokens` tokens.
std::int64_t cache_bank_bytes(const AttentionPlacement& a, HeadRun& run, std::int64_t tokens, const MemoryMap& memory) {
  const std::int64_t local = tokens_of_part(tokens, run.parts, 0);
  run.block_stride = memory.padded(tokens_of_pe(a, run, 0, local) * row_bytes(a, run, 0, 0));
  return run.block_stride * blocks_of(a, run);
}

/// Reserves the memory of a run.
void reserve_run(const PlanContext& c, const Workload& w, AttentionPlacement& a, HeadRun run, MemoryMap& memory) {
  run.block_elements = block_elements(c, a, run);
  run.cache = memory.reserve(run.channel, Space::layer, cache_bank_bytes(a, run, w.reserved_tokens(run.request), memory));
  const std::int64_t tokens = tokens_of_part(w.reserved_tokens(run.request), run.parts, 0);
  const std::int64_t in = run.gemms * bytes_of(a.m * (a.keys ? a.head_dim : tokens), a.bits.activation);
  const std::int64_t columns = ceil_div<std::int64_t>(a.keys ? tokens : a.head_dim, run.pes_per_gemm);
  run.input = memory.reserve(run.channel, Space::shared, memory.spread_bank_bytes(in, memory.both_unit()));
  run.output = memory.reserve(run.channel, Space::shared, memory.padded(bytes_of(a.m * columns, a.bits.output)));
  a.runs.push_back(run);
}

/// Estimate of a round of `together` heads side by side in `channel`, which has `tokens` tokens of each.
double round_ps(const PlanContext& c, int channel, const AttentionPlacement& a, std::int64_t tokens, std::int64_t together) {
  const GemmShape shape{together, a.m, a.keys ? tokens : a.head_dim, a.keys ? a.head_dim : tokens};
  return round_estimate_ps(c.system.nmp_of(channel),
                           tiling_problem(c.system, channel, shape, c.system.dram_of(channel).organization.banks() / together, a.bits));
}

/// Puts the heads of one channel on its PEs. Heads of one context share a round; GEMMs of different shapes follow one another.
/// @param seed channel and part of the runs to be made
void fill_channel(const PlanContext& c, const Workload& w, AttentionPlacement& a, const std::vector<Head>& heads, const HeadRun& seed,
                  std::map<std::int64_t, std::int64_t>& numbers, MemoryMap& memory) {
  std::vector<std::vector<Head>> by_prompt;
  for (const Head& head : heads) {
    const auto alike = std::find_if(by_prompt.begin(), by_prompt.end(), [&](const std::vector<Head>& known) {
      return w.prompt_of(known.front().request) == w.prompt_of(head.request);
    });
    if (alike != by_prompt.end()) {
      alike->push_back(head);
    } else {
      by_prompt.push_back({head});
    }
  }
  for (const std::vector<Head>& alike : by_prompt) {
    HeadRun run = seed;
    run.request = alike.front().request;
    const std::int64_t tokens = tokens_of_part(w.final_tokens(run.request), run.parts, 0);
    const auto estimate = [&](std::int64_t together) { return round_ps(c, seed.channel, a, tokens, together); };
    std::size_t placed = 0;
    for (const ProductRound& round : choose_rounds(static_cast<std::int64_t>(alike.size()), memory.banks(), estimate)) {
      for (std::int64_t i = 0; i < round.times; ++i) {
        run.request = alike[placed].request;
        run.gemms = static_cast<int>(round.products);
        run.pes_per_gemm = memory.banks() / run.gemms;
        std::int64_t& number = numbers[w.prompt_of(run.request)];
        run.first_head = number;
        number += round.products;
        placed += static_cast<std::size_t>(round.products);
        reserve_run(c, w, a, run, memory);
      }
    }
  }
}

/// Time of the fullest channel at a context: rounds of K and V by the PEs one after the other, the vectors that go in and out over the bus,
/// and the sums of values of different tokens.
double deal_cost_us(const PlanContext& c, const AttentionPlacement& a, const std::vector<HeadDeal>& deals, std::size_t channels,
                    std::int64_t context) {
  const int channel = c.system.nmp_channels().front();
  double ps = 0, sums = 0;
  for (const HeadDeal& deal : deals) {
    const std::int64_t tokens = tokens_of_part(context, deal.parts, 0);
    const auto mine = static_cast<std::int64_t>(ceil_div(deal.heads, channels / static_cast<std::size_t>(deal.parts)));
    const auto estimate = [&](std::int64_t together) { return round_ps(c, channel, a, tokens, together); };
    ps += rounds_estimate_ps(choose_rounds(mine, c.system.dram.organization.banks(), estimate), estimate);
    const double vectors = static_cast<double>(mine) * static_cast<double>(a.m * (a.head_dim + tokens) * a.bits.activation / 8);
    ps += 1e3 * vectors / bus_gbps(c.system.dram);
    if (!a.keys) sums += static_cast<double>(deal.heads) * (deal.parts - 1) * static_cast<double>(a.m * a.head_dim);
  }
  const auto& npu = c.system.npu;
  const double reduce_us = sums * npu.vector_costs.reduce / (static_cast<double>(npu.vector_units) * npu.vector_lanes * npu.clock_mhz);
  return 1e-6 * ps + reduce_us;
}

/// The published rule: a channel a head, or C / gcd(B, C) channels when there are no more heads than channels.
int rule_parts(std::size_t heads, std::size_t channels) {
  return static_cast<int>(heads > channels ? 1 : channels / std::gcd(heads, channels));
}

/// All heads over `parts` channels each; those that would make some channels fuller than others over more channels, by the rule for as many
/// heads, when that is estimated to be faster.
std::vector<HeadDeal> deal_of(const PlanContext& c, const AttentionPlacement& a, std::size_t heads, std::size_t channels, int parts,
                              std::int64_t context) {
  const std::vector<HeadDeal> together = {{heads, parts}};
  const std::size_t groups = channels / static_cast<std::size_t>(parts), rest = heads % groups;
  if (rest == 0 || rest == heads) return together;
  const std::vector<HeadDeal> apart = {{heads - rest, parts}, {rest, rule_parts(rest, channels)}};
  return deal_cost_us(c, a, apart, channels, context) < deal_cost_us(c, a, together, channels, context) ? apart : together;
}

/// Deals the heads by the published rule, and with every divisor of C as the channels of a head: the least cost wins.
std::vector<HeadDeal> deal_heads(const PlanContext& c, AttentionPlacement& a, std::size_t heads, std::size_t channels,
                                 std::int64_t context) {
  a.rule = deal_of(c, a, heads, channels, rule_parts(heads, channels), context);
  a.rule_us = deal_cost_us(c, a, a.rule, channels, context);
  a.searched = a.rule;
  a.searched_us = a.rule_us;
  for (std::size_t parts = 1; parts <= channels; ++parts) {
    if (channels % parts != 0) continue;
    const auto deal = deal_of(c, a, heads, channels, static_cast<int>(parts), context);
    const double cost = deal_cost_us(c, a, deal, channels, context);
    if (cost >= a.searched_us) continue;
    a.searched_us = cost;
    a.searched = deal;
  }
  return c.split == SplitPolicy::search ? a.searched : a.rule;
}

/// Places heads [first, first + deal.heads), head by head over the groups of `deal.parts` channels.
void place_deal(const PlanContext& c, const Workload& w, AttentionPlacement& a, const std::vector<Head>& heads,
                const std::vector<int>& channels, std::map<std::int64_t, std::int64_t>& numbers, int parts, MemoryMap& memory) {
  const std::size_t groups = channels.size() / static_cast<std::size_t>(parts);
  for (std::size_t g = 0; g < groups; ++g) {
    std::vector<Head> mine;
    for (std::size_t h = g; h < heads.size(); h += groups) mine.push_back(heads[h]);
    std::map<std::int64_t, std::int64_t> after = numbers;
    for (int part = 0; part < parts && !mine.empty(); ++part) {
      HeadRun seed;
      seed.channel = channels[g * static_cast<std::size_t>(parts) + static_cast<std::size_t>(part)];
      seed.part = part;
      seed.parts = parts;
      after = numbers;  // all parts of a head have its number
      fill_channel(c, w, a, mine, seed, after, memory);
    }
    numbers = after;
  }
}

void place_heads(const PlanContext& c, const Workload& w, AttentionPlacement& a, const std::vector<Head>& heads,
                 const std::vector<int>& channels, MemoryMap& memory) {
  std::map<std::int64_t, std::int64_t> numbers;  // by prompt length: heads placed
  auto next = heads.begin();
  for (const HeadDeal& deal : deal_heads(c, a, heads.size(), channels.size(), longest_context(w))) {
    const auto end = next + static_cast<std::ptrdiff_t>(deal.heads);
    place_deal(c, w, a, {next, end}, channels, numbers, deal.parts, memory);
    next = end;
  }
}

void place_stripe(const Workload& w, AttentionPlacement& a, int request, std::int64_t heads, const std::vector<int>& channels,
                  MemoryMap& memory) {
  HeadStripe s;
  s.request = request;
  s.heads = heads;
  s.units_per_token = ceil_div(bytes_of(heads * a.head_dim, a.bits.stationary), memory.host_unit());
  s.channels = channels;
  const std::int64_t units = tokens_of_part(w.reserved_tokens(request), static_cast<int>(channels.size()), 0) * s.units_per_token;
  for (const int channel : channels) {
    s.offsets.push_back(memory.reserve(channel, Space::layer, ceil_div<std::int64_t>(units, memory.banks()) * memory.host_unit()));
  }
  a.stripes.push_back(s);
}

}  // namespace

PeGroups pes_of(const HeadRun& run) { return {run.channel, run.first_pe, run.gemms, run.pes_per_gemm}; }

std::int64_t tokens_of_part(std::int64_t context, int parts, int part) { return (context - part + parts - 1) / parts; }

AttentionPlacement place_attention(const PlanContext& c, const Workload& w, const Binding& binding, bool keys, MemoryMap& memory) {
  AttentionPlacement a;
  a.keys = keys;
  a.bits = {c.model.bits.activation, c.model.bits.kv, c.model.bits.output, c.model.bits.accumulator};
  a.head_dim = c.model.head_dim;
  a.m = c.model.queries_per_kv_head();
  check(longest_context(w) > 0, "a workload of {} tokens", longest_context(w));

  const std::int64_t total = w.batch * c.model.kv_heads;
  std::int64_t on_nmp = binding.executor == Executor::nmp ? total : 0;
  if (binding.executor == Executor::split) on_nmp = std::llround(static_cast<double>(total) * binding.nmp_share);
  std::vector<Head> heads;
  for (std::int64_t h = 0; h < on_nmp; ++h) heads.push_back({static_cast<int>(h / c.model.kv_heads)});
  if (!heads.empty()) place_heads(c, w, a, heads, binding.nmp_channels, memory);

  const auto npu_channels = binding.executor == Executor::npu ? binding.all_channels() : binding.normal_channels;
  for (int r = 0; r < w.batch; ++r) {
    const std::int64_t before = std::clamp<std::int64_t>(on_nmp - r * c.model.kv_heads, 0, c.model.kv_heads);
    if (before < c.model.kv_heads) place_stripe(w, a, r, c.model.kv_heads - before, npu_channels, memory);
  }
  return a;
}

GemmShape run_shape(const AttentionPlacement& a, const HeadRun& run, std::int64_t context) {
  const std::int64_t tokens = tokens_of_part(context, run.parts, run.part);
  GemmShape s;
  s.count = run.gemms;
  s.m = a.m;
  s.n = a.keys ? tokens : a.head_dim;
  s.k = a.keys ? a.head_dim : tokens;
  return s;
}

std::vector<Extent> cache_extents(const AttentionPlacement& a, const HeadRun& run, std::int64_t context, const MemoryMap& memory) {
  const std::int64_t local = tokens_of_part(context, run.parts, run.part);
  std::vector<Extent> out;
  for (std::int64_t block = 0; block < blocks_of(a, run); ++block) {
    const auto bytes = [&](int pe) { return memory.padded(tokens_of_pe(a, run, pe, local) * row_bytes(a, run, pe, block)); };
    const auto extents = side_by_side(pes_of(run), run.cache + block * run.block_stride, bytes);
    out.insert(out.end(), extents.begin(), extents.end());
  }
  return out;
}

std::vector<Extent> append_extents(const AttentionPlacement& a, const HeadRun& run, std::int64_t first, std::int64_t last,
                                   const MemoryMap& memory) {
  const std::int64_t begin = tokens_of_part(first, run.parts, run.part);
  const std::int64_t end = tokens_of_part(last, run.parts, run.part);
  const std::int64_t unit = memory.host_unit();
  ExtentBuilder out;
  for (std::int64_t block = 0; block < blocks_of(a, run); ++block) {
    for (int i = 0; i < run.gemms * run.pes_per_gemm; ++i) {
      const int pe = i % run.pes_per_gemm;
      const std::int64_t row = row_bytes(a, run, pe, block);
      const std::int64_t from = tokens_of_pe(a, run, pe, begin) * row / unit * unit;
      const std::int64_t to = ceil_div(tokens_of_pe(a, run, pe, end) * row, unit) * unit;
      const bool any = tokens_of_pe(a, run, pe, end) > tokens_of_pe(a, run, pe, begin) && row > 0;
      if (any) out.add(run.channel, run.first_pe + i, run.cache + block * run.block_stride + from, to - from);
    }
  }
  return out.take();
}

std::vector<Extent> stripe_extents(const HeadStripe& s, std::int64_t first, std::int64_t last, const MemoryMap& memory) {
  ExtentBuilder out;
  const int parts = static_cast<int>(s.channels.size());
  for (int i = 0; i < parts; ++i) {
    const auto index = static_cast<std::size_t>(i);
    memory.stripe(out, s.channels[index], s.offsets[index], tokens_of_part(first, parts, i) * s.units_per_token,
                  tokens_of_part(last, parts, i) * s.units_per_token);
  }
  return out.take();
}

std::vector<Extent> run_input(const AttentionPlacement& a, const HeadRun& run, std::int64_t context, const MemoryMap& memory) {
  const GemmShape s = run_shape(a, run, context);
  return memory.spread(run.channel, run.input, s.count * bytes_of(s.m * s.k, a.bits.activation), memory.both_unit());
}

std::vector<Extent> run_output(const AttentionPlacement& a, const HeadRun& run, std::int64_t context, const MemoryMap& memory) {
  const GemmShape s = run_shape(a, run, context);
  return side_by_side(pes_of(run), run.output,
                      [&](int pe) { return memory.padded(bytes_of(s.m * even_part(s.n, run.pes_per_gemm, pe, 1).size(), a.bits.output)); });
}

TilingProblem run_problem(const System& system, const AttentionPlacement& a, const HeadRun& run, std::int64_t context) {
  TilingProblem p = tiling_problem(system, run.channel, run_shape(a, run, context), run.pes_per_gemm, a.bits);
  // The cache grows token by token, each token in blocks of its elements: the tiles follow the blocks.
  p.fixed_k = a.keys ? run.block_elements : 0;
  p.fixed_n = a.keys ? 0 : run.block_elements;
  return p;
}

NmpTiling run_tiling(const System& system, const AttentionPlacement& a, const HeadRun& run, std::int64_t context) {
  const TilingProblem p = run_problem(system, a, run, context);
  const auto tiling = choose_tiling(system.nmp_of(run.channel), p);
  if (!tiling) {
    throw InfeasibleError(fmt::format("attention on channel {}: no tile of {} GEMMs [{}, {}] x [{}, {}] fits the buffers", run.channel,
                                      p.count, p.m, p.k, p.k, p.n));
  }
  return *tiling;
}

}  // namespace bondsim
