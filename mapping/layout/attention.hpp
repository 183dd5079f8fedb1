#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "mapping/dataflow/dataflow.hpp"
#include "mapping/layout/memory_map.hpp"
#include "mapping/layout/weights.hpp"
#include "mapping/llm/graph.hpp"
#include "mapping/llm/model.hpp"
#include "mapping/llm/workload.hpp"
#include "mapping/tiling/tiling.hpp"
#include "models/schedule/schedule.hpp"

namespace bondsim {

/// Tokens [0, context) of a head are dealt to its `parts` channels in turn: token t is the (t / parts)-th of part t % parts.
/// @return how many of the first `context` tokens part `part` holds.
std::int64_t tokens_of_part(std::int64_t context, int parts, int part);

/// Heads of equal context side by side on one NMP channel: GEMM g on PEs [first_pe + g * pes_per_gemm, + pes_per_gemm).
/// Extents of a cache are computed for a context, so only the base offset is kept.
struct HeadRun {
  int channel = 0;
  int first_pe = 0;
  int gemms = 0;
  int pes_per_gemm = 0;
  int part = 0;  ///< tokens of the heads that lie here
  int parts = 1;
  std::int64_t first_head = 0;      ///< number of the first head among those of the same context
  std::int64_t number = 0;          ///< of the first head in its request
  int request = 0;                  ///< that of the first GEMM; all have its context in a batch of the whole workload
  std::vector<int> requests;        ///< of each GEMM
  std::int64_t cache = 0;           ///< offset in the layer space
  std::int64_t input = 0;           ///< offset in the shared space
  std::int64_t output = 0;          ///< offset in the shared space
  std::int64_t block_elements = 0;  ///< elements of a token kept together
  std::int64_t group_tokens = 0;    ///< tokens of a bank whose blocks lie together (attention_cache.cpp)
};

/// Heads of one request whose cache only the NPU reads: token t lies on channel t % C, striped over all banks.
struct HeadStripe {
  int request = 0;
  std::int64_t heads = 0;            ///< 0: the rest of the rows of the stripe before, which V is no part of
  std::int64_t units_per_token = 0;  ///< host accesses of one token
  std::vector<int> channels;
  std::vector<std::int64_t> offsets;  ///< per channel, layer space
};

/// `heads` heads of an operator, each over the tokens of `parts` channels.
struct HeadDeal {
  std::size_t heads = 0;
  int parts = 1;
};

/// Places of the K cache (of qk) or the V cache (of sv).
///
/// Where V is a part of K (`value_elements` of the one, `in_keys` of the other) there is one cache. A PE has whole tokens of it, so that
/// values of different tokens are partial sums of the PEs (NmpGemm::k_parts): that costs the bus PEs x [m, head_dim] sums a head and saves
/// the second copy.
struct AttentionPlacement {
  std::string name;  ///< of the GEMM
  bool keys = false;
  bool in_keys = false;  ///< V is the first head_dim elements of the rows of K, in the places of K
  OperandBits bits;
  std::int64_t kv_heads = 0;        ///< of a request
  std::int64_t head_dim = 0;        ///< of a head: K's or V's
  std::int64_t row_elements = 0;    ///< of a token of a head in the cache: head_dim, or with in_keys that of K
  std::int64_t value_elements = 0;  ///< keys: the first elements of a row that are V; 0: none
  std::int64_t fixed_context = 0;   ///< tokens of a context that does not grow; 0: the request's
  std::int64_t m = 0;               ///< queries of a KV head and token
  std::int64_t tokens = 1;          ///< most new tokens of a request in decode: caches lie, and inputs have room, for so many
  std::vector<HeadDeal> rule;       ///< by the published rule, and the cost of that at the longest context
  double rule_us = 0;
  std::vector<HeadDeal> searched;
  double searched_us = 0;
  std::vector<HeadRun> runs;
  std::vector<HeadStripe> stripes;
};

/// Places the caches of all requests.
/// @param op the score_gemm or value_gemm @param value_elements of a score_gemm: elements of K that are V; 0: none
/// @throws InfeasibleError when the buffers cannot hold the smallest tile.
AttentionPlacement place_attention(const PlanContext& context, const Workload& workload, const Binding& binding, const Operator& op,
                                   std::int64_t value_elements, MemoryMap& memory);
/// The V that is a part of `keys`: inputs and outputs of its own, the cache of the other. @throws InfeasibleError likewise
AttentionPlacement place_values_in_keys(const PlanContext& context, const Workload& workload, const AttentionPlacement& keys,
                                        const Operator& op, MemoryMap& memory);

/// Estimate of a round of `together` heads side by side in `channel`, which has `tokens` tokens of each.
double head_round_ps(const PlanContext& context, int channel, const AttentionPlacement& a, std::int64_t tokens, std::int64_t together);

/// Deals the heads by the published rule, and with every divisor of C as the channels of a head; heads left over from a whole deal are
/// dealt to more channels each where that is faster. Both go into the placement with their costs.
/// @return the one that the dataflow's split policy takes
std::vector<HeadDeal> deal_heads(const PlanContext& context, AttentionPlacement& a, std::size_t heads, std::size_t channels,
                                 std::int64_t tokens);

/// Elements of a token that lie in the bank of PE `pe` of a head: K: all of the head; V: the PE's columns.
std::int64_t elements_of_pe(const AttentionPlacement& a, const HeadRun& run, int pe);
/// Number of a part's first `local` tokens that lie there: K: the tokens dealt to the PE; V: all.
std::int64_t tokens_of_pe(const AttentionPlacement& a, const HeadRun& run, int pe, std::int64_t local);

/// Bytes of the fullest bank of a run's cache that may grow to `tokens` tokens.
std::int64_t cache_bank_bytes(const AttentionPlacement& a, const HeadRun& run, std::int64_t tokens, const MemoryMap& memory);

/// Runs of PEs of a GEMM that cut K.
int k_parts_of(const AttentionPlacement& a, const HeadRun& run);

/// The PEs of a run, a group for each GEMM.
PeGroups pes_of(const HeadRun& run);

/// The stationary operand of a run at a context, in the order its PEs read it; offsets in the layer space.
std::vector<Extent> cache_extents(const AttentionPlacement& a, const HeadRun& run, std::int64_t context, const MemoryMap& memory);
/// Accesses that hold the tokens [first, last) of a run's cache: what an append writes.
std::vector<Extent> append_extents(const AttentionPlacement& a, const HeadRun& run, std::int64_t first, std::int64_t last,
                                   const MemoryMap& memory);
/// The same of heads that only the NPU reads.
std::vector<Extent> stripe_extents(const HeadStripe& stripe, std::int64_t first, std::int64_t last, const MemoryMap& memory);

/// Tokens that attend, and to how many: the last `tokens` of a context. All scores are computed, also those that a mask then zeroes: of a
/// token with those after it, or with drafts of other branches.
struct Attended {
  std::int64_t context = 0;
  std::int64_t tokens = 1;
};

/// Shape of one GEMM of a run: qk [m, head_dim] x [head_dim, tokens], sv [m, tokens] x [tokens, head_dim].
GemmShape run_shape(const AttentionPlacement& a, const HeadRun& run, const Attended& span);
/// Input and output of a run; offsets in the shared space.
std::vector<Extent> run_input(const AttentionPlacement& a, const HeadRun& run, const Attended& span, const MemoryMap& memory);
std::vector<Extent> run_output(const AttentionPlacement& a, const HeadRun& run, const Attended& span, const MemoryMap& memory);
/// Tiling problem of a run, and its tiles as the layout demands. @throws InfeasibleError when none fits
TilingProblem run_problem(const System& system, const AttentionPlacement& a, const HeadRun& run, const Attended& span);
NmpTiling run_tiling(const System& system, const AttentionPlacement& a, const HeadRun& run, const Attended& span);

}  // namespace bondsim
