#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mapping/llm/workload.hpp"
#include "mapping/serving/requests/requests_config.hpp"
#include "models/base/fields.hpp"

namespace bondsim::serving {

/// Section `batch`: what an iteration takes.
struct BatchingConfig {
  std::string policy = "prefill_first";
  int max_batch = 16;
  std::int64_t max_batched_tokens = 2048;
  std::int64_t chunk_tokens = 512;
  std::int64_t decode_iterations = 8;
};
template <class Visitor>
void fields(Visitor& v, BatchingConfig& c) {
  v.field("policy", c.policy, defaulted("static, prefill_first, decode_first, chunked_prefill or co_processing"));
  v.field("max_batch", c.max_batch, defaulted("requests that have a place in memory at a time").range(1, 1024));
  v.field("max_batched_tokens", c.max_batched_tokens,
          defaulted("new tokens of an iteration; a longer prompt goes alone, except in chunks").range(1, 1 << 24).in("token"));
  v.field("chunk_tokens", c.chunk_tokens,
          defaulted("chunked_prefill, co_processing: tokens of prompts in an iteration").range(1, 1 << 24).in("token"));
  v.field("decode_iterations", c.decode_iterations, defaulted("decode_first: decode iterations between two prompts").range(1, 1 << 20));
}

/// Where the caches of requests lie in their channels' banks.
enum class KvAddresses {
  paged,       ///< page by page, wherever a frame is free
  consecutive  ///< in the place of their request; only the number of pages is shared
};

/// What becomes of the cache of a request that has to make room.
enum class KvPreemption {
  recompute,  ///< it is given up, and the text is computed again
  swap        ///< it moves to the normal channels and back; given up where they have no room
};

/// Section `kv`: the memory that requests share.
struct KvConfig {
  std::int64_t context_tokens = 4096;
  std::int64_t page_tokens = 16;
  std::int64_t capacity_tokens = 0;
  double watermark = 0.01;
  KvAddresses addresses = KvAddresses::paged;
  KvPlacement placement = KvPlacement::balanced;
  bool prefix_reuse = false;
  KvPreemption preemption = KvPreemption::recompute;
  std::int64_t swap_tokens = 0;
};
template <class Visitor>
void fields(Visitor& v, KvConfig& c) {
  v.field("context_tokens", c.context_tokens,
          defaulted("longest context of a request; a longer one ends here").range(1, 1 << 24).in("token"));
  v.field("page_tokens", c.page_tokens, defaulted("tokens of a page").range(1, 1 << 20).in("token"));
  v.field("capacity_tokens", c.capacity_tokens,
          defaulted("KV memory of all requests together; 0: max_batch x context_tokens").range(0, 1e12).in("token"));
  v.field("watermark", c.watermark, defaulted("share of the pages that stays free when a request is admitted beside others").range(0, 0.9));
  v.field("addresses", c.addresses, defaulted("paged: pages lie where there is room; consecutive: a request's cache is one piece"));
  v.field("placement", c.placement, defaulted("attention on PEs: balanced, a channel for each request, or a channel for each head"));
  v.field("prefix_reuse", c.prefix_reuse,
          defaulted("blocks of prompts with equal hash_ids are computed and kept once, until the room is needed"));
  v.field("preemption", c.preemption,
          defaulted("who makes room computes its text again (recompute), or has its pages moved to the normal channels and back (swap)"));
  v.field("swap_tokens", c.swap_tokens,
          defaulted("room on the normal channels for swapped pages; 0: as much as the KV memory").range(0, 1e12).in("token"));
}

/// Section `slo`: a request counts for goodput that keeps both.
struct SloConfig {
  double ttft_ms = 0;
  double tpot_ms = 0;
};
template <class Visitor>
void fields(Visitor& v, SloConfig& c) {
  v.field("ttft_ms", c.ttft_ms, required("longest time to the first token").range(0, 1e9).in("ms"));
  v.field("tpot_ms", c.tpot_ms, required("longest mean time of a later token").range(0, 1e9).in("ms"));
}

/// A `schema: bondsim.serving/1` file: who asks, and how requests share the machine.
struct ServingConfig {
  std::string name;
  RequestsConfig requests;
  BatchingConfig batch;
  KvConfig kv;
  std::optional<SpeculationConfig> speculation;
  std::optional<SloConfig> slo;

  /// KV pages of all requests together.
  std::int64_t pages() const {
    if (kv.capacity_tokens > 0) return kv.capacity_tokens / kv.page_tokens;
    return batch.max_batch * ((kv.context_tokens + drafts() + kv.page_tokens - 1) / kv.page_tokens);
  }
  /// Tokens that a request may have: a prompt above is rejected, a text that grows above ends here.
  std::int64_t longest_context() const { return std::min(kv.context_tokens, pages() * kv.page_tokens - drafts()); }
  /// Pages that the normal channels have room for.
  std::int64_t swap_pages() const {
    if (kv.preemption != KvPreemption::swap) return 0;
    return kv.swap_tokens > 0 ? kv.swap_tokens / kv.page_tokens : pages();
  }
  /// Places of a request beyond its text that a verification takes.
  std::int64_t drafts() const { return speculation ? speculation->depth : 0; }
};
template <class Visitor>
void fields(Visitor& v, ServingConfig& c) {
  v.field("name", c.name, required("name of the serving setting"));
  v.section("requests", c.requests, defaulted("requests: a trace, or made"));
  v.section("batch", c.batch, defaulted("what an iteration takes"));
  v.section("kv", c.kv, defaulted("the KV cache that requests share"));
  v.section("speculation", c.speculation, defaulted("drafts of several tokens that the model verifies in one iteration"));
  v.section("slo", c.slo, defaulted("latencies that a request should keep"));
}

/// Names of traces become relative to where bondsim runs. @throws ConfigError
ServingConfig decode_serving(const ConfigNode& node);

}  // namespace bondsim::serving

namespace bondsim {

template <>
inline constexpr EnumEntry<serving::KvAddresses> enum_names<serving::KvAddresses>[] = {{"paged", serving::KvAddresses::paged},
                                                                                       {"consecutive", serving::KvAddresses::consecutive}};
template <>
inline constexpr EnumEntry<serving::KvPreemption> enum_names<serving::KvPreemption>[] = {{"recompute", serving::KvPreemption::recompute},
                                                                                         {"swap", serving::KvPreemption::swap}};

}  // namespace bondsim
