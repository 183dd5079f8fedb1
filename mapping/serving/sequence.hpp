#pragma once
#include <cstdint>

#include "mapping/serving/kv_pages.hpp"
#include "mapping/serving/requests/request_source.hpp"

namespace bondsim::serving {

/// A request in the scheduler: what is known of its text, and what of that is in the cache.
struct Sequence {
  Request request;
  int slot = -1;               ///< its place in the plan's workload, while it runs
  std::int64_t cached = 0;     ///< tokens whose K and V are there
  std::int64_t produced = 0;   ///< output tokens
  std::int64_t reused = 0;     ///< tokens of the prompt that were found in the cache
  std::int64_t preempted = 0;  ///< times it had to make room
  std::int64_t swapped = 0;    ///< pages on the normal channels, while it waits; 0: its cache is given up or in its place
  std::int64_t verifications = 0;
  std::int64_t coming = 1;  ///< tokens that the present iteration gives, should it decode
  KvHolding pages;

  /// Tokens known so far.
  std::int64_t known() const { return request.prompt_tokens + produced; }
  /// Tokens that have to be computed before the next one comes.
  std::int64_t missing() const { return known() - cached; }
  /// Its next iteration takes its latest token; otherwise it takes tokens of the prompt, or of a text that is computed again.
  bool decodes() const { return produced > 0 && missing() == 1; }
};

}  // namespace bondsim::serving
