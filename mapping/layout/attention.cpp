#include "mapping/layout/attention.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

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
  std::int64_t number = 0;  ///< in its request
};

std::int64_t longest_context(const Workload& w) {
  std::int64_t longest = 0;
  for (int r = 0; r < w.batch; ++r) longest = std::max(longest, w.reserved_tokens(r));
  return longest;
}

/// Columns of V whose sums and a few of whose rows fit a PE's buffers.
std::int64_t largest_value_block(const PlanContext& c, const AttentionPlacement& a, int channel) {
  const NmpConfig& nmp = c.system.nmp_of(channel);
  const double weights_kib = nmp.pe.weight_buffer_kib / (nmp.pe.double_buffered_weights ? 2 : 1);
  const std::int64_t sums = static_cast<std::int64_t>(nmp.pe.output_buffer_kib * 1024) * 8 / (a.m * a.tokens * a.bits.accumulator);
  const std::int64_t columns = static_cast<std::int64_t>(weights_kib * 1024) * 8 /
                               (nmp.pe_for(a.bits.activation, a.bits.stationary).macs_per_fpu * a.bits.stationary);
  return std::max<std::int64_t>(1, std::min(sums, columns));
}

/// The largest block whose elements fit their buffers: a tile of K in the input buffer; columns of V in the accumulators, and a few of
/// their rows in the weight buffer. A head's elements are cut into equal blocks; where V is a part of K, V is whole blocks.
std::int64_t largest_block(const PlanContext& c, const AttentionPlacement& a, const HeadRun& run) {
  const NmpConfig& nmp = c.system.nmp_of(run.channel);
  const double kib = a.keys ? nmp.input_buffer_kib : nmp.pe.output_buffer_kib;
  const std::int64_t rows = a.m * a.tokens;
  const std::int64_t bits_each = a.keys ? run.gemms * rows * a.bits.activation : rows * a.bits.accumulator;
  std::int64_t limit = static_cast<std::int64_t>(kib * 1024) * 8 / bits_each;
  if (limit < 1) {
    throw InfeasibleError(fmt::format("attention: {} GEMMs of {} rows need {} bytes of {} buffer for one element of a head, {} KiB there",
                                      run.gemms, rows, ceil_div(bits_each, std::int64_t{8}), a.keys ? "input" : "output", kib));
  }
  if (!a.keys) limit = std::min(limit, largest_value_block(c, a, run.channel));
  if (a.value_elements > 0) {
    std::int64_t block = std::min({limit, largest_value_block(c, a, run.channel), a.value_elements});
    while (a.value_elements % block != 0) --block;
    return block;
  }
  const std::int64_t elements = elements_of_pe(a, run, 0);
  return ceil_div(elements, ceil_div(elements, limit));
}

/// Chooses how the cache lies in a bank: by the tiling that is fastest when the heads have all their tokens, found as for weights. K whose
/// queries fit the input buffer, and V whose columns fit the accumulators, are one block.
void choose_blocks(const PlanContext& c, const Workload& w, const AttentionPlacement& a, HeadRun& run, const MemoryMap& memory) {
  const std::int64_t elements = elements_of_pe(a, run, 0);
  run.block_elements = largest_block(c, a, run);
  run.group_tokens = tokens_of_pe(a, run, 0, tokens_of_part(w.reserved_tokens(run.request), run.parts, 0));
  if (run.block_elements == elements) return;
  // Of a context shorter than its parts some lie empty, and are never read.
  if (tokens_of_part(w.final_tokens(run.request), run.parts, run.part) == 0) return;
  TilingProblem p = run_problem(c.system, a, run, {w.final_tokens(run.request), a.tokens});
  p.fixed_n = 0;
  if (a.value_elements == 0) p.fixed_k = 0;
  const auto tiling = choose_tiling(c.system.nmp_of(run.channel), p);
  if (!tiling) return;  // run_tiling() says so
  run.block_elements = std::min(elements, a.keys ? tiling->k_tile : tiling->n_tile);
  if (!a.keys || run.block_elements == elements) return;
  // A group's tokens of a block are whole accesses, also of a last block that is narrower.
  const std::int64_t row = bytes_of(run.block_elements, a.bits.stationary),
                     last = bytes_of(elements % run.block_elements, a.bits.stationary);
  const std::int64_t step = memory.both_unit() / std::gcd(memory.both_unit(), std::gcd(row, last));
  run.group_tokens = std::min(run.group_tokens, std::max(step, tiling->n_tile / step * step));
}

/// Reserves what goes in and out of a run.
void reserve_vectors(const Workload& w, const AttentionPlacement& a, HeadRun& run, MemoryMap& memory) {
  const std::int64_t tokens = tokens_of_part(w.reserved_tokens(run.request), run.parts, 0);
  const std::int64_t in = run.gemms * bytes_of(a.m * a.tokens * (a.keys ? a.head_dim : tokens), a.bits.activation);
  const std::int64_t columns = ceil_div<std::int64_t>(a.keys ? tokens : a.head_dim, run.pes_per_gemm / k_parts_of(a, run));
  run.input = memory.reserve(run.channel, Space::shared, memory.spread_bank_bytes(in, memory.both_unit()));
  run.output = memory.reserve(run.channel, Space::shared, memory.padded(bytes_of(a.m * a.tokens * columns, a.bits.output)));
}

/// Room for a cache: memory, or numbers of bytes where it lies in pages.
std::int64_t room_for_cache(const Workload& w, int channel, std::int64_t bank_bytes, MemoryMap& memory) {
  return w.page_tokens > 0 ? memory.number_bytes(channel, bank_bytes) : memory.reserve(channel, Space::layer, bank_bytes, Holding::kv);
}

/// Reserves the memory of a run.
void reserve_run(const PlanContext& c, const Workload& w, AttentionPlacement& a, HeadRun run, MemoryMap& memory) {
  choose_blocks(c, w, a, run, memory);
  run.cache = room_for_cache(w, run.channel, cache_bank_bytes(a, run, w.reserved_tokens(run.request), memory), memory);
  reserve_vectors(w, a, run, memory);
  a.runs.push_back(run);
}

/// Heads of equal key share a round: those of equal prompts, or of requests that come and go those of one request.
std::int64_t round_key(const Workload& w, int request) { return w.apart ? request : w.prompt_of(request); }

/// Puts the heads of one channel on its PEs. Heads of one context share a round; GEMMs of different shapes follow one another.
/// @param seed channel and part of the runs to be made
void fill_channel(const PlanContext& c, const Workload& w, AttentionPlacement& a, const std::vector<Head>& heads, const HeadRun& seed,
                  std::map<std::int64_t, std::int64_t>& numbers, MemoryMap& memory) {
  std::vector<std::vector<Head>> by_prompt;
  for (const Head& head : heads) {
    const auto alike = std::find_if(by_prompt.begin(), by_prompt.end(), [&](const std::vector<Head>& known) {
      return round_key(w, known.front().request) == round_key(w, head.request);
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
    const auto estimate = [&](std::int64_t together) { return head_round_ps(c, seed.channel, a, tokens, together); };
    std::size_t placed = 0;
    for (const ProductRound& round : choose_rounds(static_cast<std::int64_t>(alike.size()), memory.banks(), estimate)) {
      for (std::int64_t i = 0; i < round.times; ++i) {
        run.request = alike[placed].request;
        run.number = alike[placed].number;
        run.gemms = static_cast<int>(round.products);
        run.pes_per_gemm = memory.banks() / run.gemms;
        std::int64_t& number = numbers[w.apart ? 0 : w.prompt_of(run.request)];
        run.first_head = number;
        run.requests.clear();
        for (std::int64_t g = 0; g < round.products; ++g) run.requests.push_back(alike[placed + static_cast<std::size_t>(g)].request);
        number += round.products;
        placed += static_cast<std::size_t>(round.products);
        reserve_run(c, w, a, run, memory);
      }
    }
  }
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

/// Heads that a placement by requests or by heads puts on the `at`-th of so many channels.
std::vector<Head> heads_of_channel(const Workload& w, const std::vector<Head>& heads, std::size_t at, std::size_t channels) {
  std::vector<Head> mine;
  for (const Head& head : heads) {
    const auto number = static_cast<std::size_t>(w.placement == KvPlacement::request_channel ? head.request : head.number);
    if (number % channels == at) mine.push_back(head);
  }
  return mine;
}

void place_heads(const PlanContext& c, const Workload& w, AttentionPlacement& a, const std::vector<Head>& heads,
                 const std::vector<int>& channels, MemoryMap& memory) {
  std::map<std::int64_t, std::int64_t> numbers;  // by prompt length: heads placed; those of requests that come and go in one row
  if (w.placement != KvPlacement::balanced) {
    for (std::size_t at = 0; at < channels.size(); ++at) {
      HeadRun seed;
      seed.channel = channels[at];
      fill_channel(c, w, a, heads_of_channel(w, heads, at, channels.size()), seed, numbers, memory);
    }
    return;
  }
  auto next = heads.begin();
  for (const HeadDeal& deal : deal_heads(c, a, heads.size(), channels.size(), longest_context(w))) {
    const auto end = next + static_cast<std::ptrdiff_t>(deal.heads);
    place_deal(c, w, a, {next, end}, channels, numbers, deal.parts, memory);
    next = end;
  }
}

/// Requires a tiling of every run at its longest context; a tiling that fits there fits at every shorter one.
void require_tilings(const PlanContext& c, const Workload& w, const AttentionPlacement& a) {
  std::set<std::tuple<const NmpConfig*, int, int, int, std::int64_t>> known;
  for (const HeadRun& run : a.runs) {
    const std::int64_t tokens = w.longest_tokens(run.request);
    if (run.part == 0 && known.emplace(&c.system.nmp_of(run.channel), run.gemms, run.pes_per_gemm, run.parts, tokens).second) {
      run_tiling(c.system, a, run, {tokens, a.tokens});
    }
  }
}

/// @param elements of a token
void place_stripe(const Workload& w, AttentionPlacement& a, const HeadStripe& of, std::int64_t elements, const std::vector<int>& channels,
                  MemoryMap& memory) {
  HeadStripe s = of;
  s.units_per_token = ceil_div(bytes_of(elements, a.bits.stationary), memory.host_unit());
  s.channels = channels;
  const std::int64_t units = tokens_of_part(w.reserved_tokens(s.request), static_cast<int>(channels.size()), 0) * s.units_per_token;
  for (const int channel : channels) {
    s.offsets.push_back(room_for_cache(w, channel, ceil_div<std::int64_t>(units, memory.banks()) * memory.host_unit(), memory));
  }
  a.stripes.push_back(s);
}

/// The workload of a context that does not grow: as many tokens for every request.
Workload over_context(Workload w, std::int64_t tokens) {
  w.prompts.clear();
  w.prompt_tokens = w.kv_capacity_tokens = tokens;
  w.generated_tokens = w.spare_tokens = 0;
  return w;
}

/// Shapes and formats, without places.
AttentionPlacement placement_of(const PlanContext& c, const Workload& w, const Operator& op) {
  AttentionPlacement a;
  a.name = op.name;
  a.keys = op.kind == OperatorKind::score_gemm;
  a.bits = operand_bits(c.model, op);
  a.kv_heads = op.heads.kv_heads;
  a.head_dim = a.row_elements = a.keys ? op.heads.key_dim : op.heads.value_dim;
  a.fixed_context = op.fixed_context;
  a.m = op.heads.queries;
  a.tokens = w.decode_rows;
  return a;
}

}  // namespace

std::int64_t tokens_of_part(std::int64_t context, int parts, int part) { return (context - part + parts - 1) / parts; }

AttentionPlacement place_attention(const PlanContext& c, const Workload& of_requests, const Binding& binding, const Operator& op,
                                   std::int64_t value_elements, MemoryMap& memory) {
  const Workload w = op.fixed_context > 0 ? over_context(of_requests, op.fixed_context) : of_requests;
  AttentionPlacement a = placement_of(c, w, op);
  a.value_elements = value_elements;
  check(longest_context(w) > 0, "a workload of {} tokens", longest_context(w));

  const std::int64_t total = w.batch * a.kv_heads;
  std::int64_t on_nmp = binding.executor == Executor::nmp ? total : 0;
  if (binding.executor == Executor::split) on_nmp = std::llround(static_cast<double>(total) * binding.nmp_share);
  std::vector<Head> heads;
  for (std::int64_t h = 0; h < on_nmp; ++h) heads.push_back({static_cast<int>(h / a.kv_heads), h % a.kv_heads});
  if (!heads.empty()) place_heads(c, w, a, heads, binding.nmp_channels, memory);
  require_tilings(c, w, a);

  const auto npu_channels = binding.executor == Executor::npu ? binding.all_channels() : binding.normal_channels;
  for (int r = 0; r < w.batch; ++r) {
    const std::int64_t before = std::clamp<std::int64_t>(on_nmp - r * a.kv_heads, 0, a.kv_heads);
    const std::int64_t here = a.kv_heads - before;
    if (here == 0) continue;
    HeadStripe stripe;
    stripe.request = r;
    stripe.heads = here;
    place_stripe(w, a, stripe, here * (value_elements > 0 ? value_elements : a.head_dim), npu_channels, memory);
    if (value_elements == 0) continue;
    stripe.heads = 0;
    place_stripe(w, a, stripe, here * (a.head_dim - value_elements), npu_channels, memory);
  }
  return a;
}

AttentionPlacement place_values_in_keys(const PlanContext& c, const Workload& w, const AttentionPlacement& keys, const Operator& op,
                                        MemoryMap& memory) {
  AttentionPlacement a = placement_of(c, w, op);
  a.in_keys = true;
  a.bits.stationary = keys.bits.stationary;
  a.row_elements = keys.row_elements;
  a.rule = keys.rule;
  a.searched = keys.searched;
  a.runs = keys.runs;
  for (HeadRun& run : a.runs) reserve_vectors(w, a, run, memory);
  std::copy_if(keys.stripes.begin(), keys.stripes.end(), std::back_inserter(a.stripes), [](const HeadStripe& s) { return s.heads > 0; });
  require_tilings(c, w, a);
  return a;
}

GemmShape run_shape(const AttentionPlacement& a, const HeadRun& run, const Attended& span) {
  const std::int64_t tokens = tokens_of_part(span.context, run.parts, run.part);
  GemmShape s;
  s.count = run.gemms;
  s.m = a.m * span.tokens;
  s.n = a.keys ? tokens : a.head_dim;
  s.k = a.keys ? a.head_dim : tokens;
  return s;
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

std::vector<Extent> run_input(const AttentionPlacement& a, const HeadRun& run, const Attended& span, const MemoryMap& memory) {
  const GemmShape s = run_shape(a, run, span);
  return memory.spread(run.channel, run.input, s.count * bytes_of(s.m * s.k, a.bits.activation), memory.both_unit());
}

std::vector<Extent> run_output(const AttentionPlacement& a, const HeadRun& run, const Attended& span, const MemoryMap& memory) {
  const GemmShape s = run_shape(a, run, span);
  return side_by_side(pes_of(run), run.output, [&](int pe) {
    const std::int64_t columns = a.in_keys ? (pe < s.k ? s.n : 0) : even_part(s.n, run.pes_per_gemm, pe, 1).size();
    return memory.padded(bytes_of(s.m * columns, a.bits.output));
  });
}

TilingProblem run_problem(const System& system, const AttentionPlacement& a, const HeadRun& run, const Attended& span) {
  NmpGemm gemm;
  gemm.shape = run_shape(a, run, span);
  gemm.pes_per_gemm = run.pes_per_gemm;
  gemm.k_parts = k_parts_of(a, run);
  TilingProblem p = tiling_problem(system, run.channel, gemm.pe_products(), gemm.pes_per_product(), a.bits);
  // The cache grows token by token in the order of the tiles: K in groups of tokens and blocks of elements, V in blocks of columns.
  p.fixed_k = a.keys ? run.block_elements : 0;
  p.fixed_n = a.keys ? (run.block_elements < a.head_dim ? run.group_tokens : 0) : run.block_elements;
  return p;
}

NmpTiling run_tiling(const System& system, const AttentionPlacement& a, const HeadRun& run, const Attended& span) {
  const TilingProblem p = run_problem(system, a, run, span);
  const auto tiling = choose_tiling(system.nmp_of(run.channel), p);
  if (!tiling) {
    throw InfeasibleError(fmt::format("{} on channel {}: no tile of {} GEMMs [{}, {}] x [{}, {}] fits the buffers, at {} tokens of context",
                                      a.name, run.channel, p.count, p.m, p.k, p.k, p.n, span.context));
  }
  return *tiling;
}

}  // namespace bondsim
