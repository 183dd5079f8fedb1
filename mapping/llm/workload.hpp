#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mapping/llm/model.hpp"
#include "mapping/llm/speculation.hpp"
#include "models/base/fields.hpp"

namespace bondsim {

/// Layers that are simulated: one that stands for all, or all of them.
enum class LayerMode { one, all };
template <>
inline constexpr EnumEntry<LayerMode> enum_names<LayerMode>[] = {{"one", LayerMode::one}, {"all", LayerMode::all}};

/// Which channels have the KV heads of requests that come and go, where PEs compute the attention.
enum class KvPlacement {
  balanced,         ///< all heads together dealt as for a batch: a head on one channel, or its tokens over several
  request_channel,  ///< all heads of a request on one channel, requests in turn over the channels
  heads_first       ///< head h of every request on channel h mod C
};
template <>
inline constexpr EnumEntry<KvPlacement> enum_names<KvPlacement>[] = {
    {"balanced", KvPlacement::balanced}, {"request_channel", KvPlacement::request_channel}, {"heads_first", KvPlacement::heads_first}};

/// A fixed workload: one batch of requests that are prefilled together and decoded in lockstep.
struct Workload {
  std::string name;
  int batch = 1;                        ///< requests
  std::int64_t prompt_tokens = 0;       ///< of every request; 0 where `prompts` has them
  std::vector<std::int64_t> prompts;    ///< one a request; empty: `prompt_tokens` for each
  std::int64_t generated_tokens = 0;    ///< decode steps
  std::int64_t kv_capacity_tokens = 0;  ///< KV space a request reserves; 0: what it will use
  bool prompt_cached = false;           ///< K and V of the prompts are there: the run begins with the first decode step
  LayerMode layers = LayerMode::one;
  std::optional<SpeculationConfig> speculation;
  bool apart = false;  ///< requests come and go: each has runs of PEs of its own, whatever its length
  KvPlacement placement = KvPlacement::balanced;
  std::int64_t page_tokens = 0;    ///< of requests that come and go: their caches lie in pages of so many tokens; 0: consecutively
  std::int64_t kv_pages = 0;       ///< of these, pages of all requests together; 0: as many as their longest contexts take
  std::int64_t shared_tokens = 0;  ///< requests may share blocks of so many tokens; 0: none
  std::int64_t swap_pages = 0;     ///< pages that normal channels have room for; 0: no request is moved there
  std::int64_t step_tokens = 0;    ///< most new tokens of a step; 0: all prompts together
  std::int64_t decode_rows = 1;    ///< most new tokens of a request in a step of decode: with speculation, its drafts and one
  std::int64_t spare_tokens = 0;   ///< KV places of a request beyond its final tokens, for drafts

  std::int64_t prompt_of(int request) const { return prompts.empty() ? prompt_tokens : prompts[static_cast<std::size_t>(request)]; }
  /// KV tokens of a request at the end of the run.
  std::int64_t final_tokens(int request) const { return prompt_of(request) + generated_tokens; }
  /// Tokens that it may hold at a time, drafts included.
  std::int64_t longest_tokens(int request) const { return final_tokens(request) + spare_tokens; }
  std::int64_t reserved_tokens(int request) const { return std::max(kv_capacity_tokens, longest_tokens(request)); }
};
template <class Visitor>
void fields(Visitor& v, Workload& c) {
  v.field("name", c.name, required("name of the workload"));
  v.field("batch", c.batch, defaulted("requests decoded together").range(1, 4096));
  v.field("prompt_tokens", c.prompt_tokens, defaulted("prompt length of every request").range(1, 1 << 24).in("token"));
  v.field("prompts", c.prompts, defaulted("prompt length of each request, instead of prompt_tokens").range(1, 1 << 24).in("token"));
  v.field("generated_tokens", c.generated_tokens,
          required("decode steps; step s has a context of prompt + s").range(0, 1 << 24).in("token"));
  v.field("kv_capacity_tokens", c.kv_capacity_tokens,
          defaulted("KV space reserved for a request; 0 is prompt + generated").range(0, 1 << 24).in("token"));
  v.field("prompt_cached", c.prompt_cached,
          defaulted("K and V of the prompts are in the caches when the run begins: decode steps alone, no prefill"));
  v.field("layers", c.layers, defaulted("one layer stands for all of them, or every layer is a block of its own"));
  v.section("speculation", c.speculation, defaulted("drafts of several tokens that the model verifies in one step"));
}

/// Reads a `schema: bondsim.workload/1` file. @throws ConfigError
Workload decode_workload(const ConfigNode& node);

/// @throws InfeasibleError when a request grows beyond the model's longest context.
void require_context_fits(const Model& model, const Workload& workload);

}  // namespace bondsim
