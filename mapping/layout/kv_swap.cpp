#include "mapping/layout/kv_swap.hpp"

#include <algorithm>

#include "models/base/quantity.hpp"

namespace bondsim {

KvSwap::KvSwap(std::int64_t token_bytes, const Workload& w, const std::vector<int>& normal, MemoryMap& memory)
    : page_tokens_(w.page_tokens), token_bytes_(token_bytes), channels_(normal) {
  if (normal.empty()) {
    throw ConfigError("serving.kv.preemption: 'swap' found, and the system has no normal channels to move pages to; allowed: recompute");
  }
  page_bank_bytes_ = memory.spread_bank_bytes(page_tokens_ * token_bytes_, memory.host_unit());
  const std::int64_t each = ceil_div(w.swap_pages, static_cast<std::int64_t>(normal.size()));
  for (const int channel : normal) offsets_.push_back(memory.reserve(channel, Space::layer, each * page_bank_bytes_, Holding::kv));
  for (std::int64_t page = 0; page < w.swap_pages; ++page) free_.insert(free_.end(), page);
}

void KvSwap::take(std::int64_t key, std::int64_t tokens) {
  const std::int64_t pages = ceil_div(tokens, page_tokens_);
  check(pages <= free_pages(), "{} pages move to normal channels, which have room for {}", pages, free_pages());
  std::vector<std::int64_t>& taken = pages_[key];
  check(taken.empty(), "cache {} is on the normal channels twice", key);
  taken.assign(free_.begin(), std::next(free_.begin(), pages));
  free_.erase(free_.begin(), std::next(free_.begin(), pages));
}

std::map<int, std::vector<Extent>> KvSwap::extents(std::int64_t key, std::int64_t first, std::int64_t last, const MemoryMap& memory) const {
  const auto channels = static_cast<std::int64_t>(channels_.size());
  std::map<int, std::vector<Extent>> out;
  for (std::int64_t token = first; token < last; token += page_tokens_) {
    const std::int64_t page = pages_.at(key).at(static_cast<std::size_t>(token / page_tokens_));
    const auto at = static_cast<std::size_t>(page % channels);
    const std::int64_t bytes = std::min(page_tokens_, last - token) * token_bytes_;
    const auto extents = memory.spread(channels_[at], offsets_[at] + page / channels * page_bank_bytes_, bytes, memory.host_unit());
    auto& of_channel = out[channels_[at]];
    of_channel.insert(of_channel.end(), extents.begin(), extents.end());
  }
  return out;
}

void KvSwap::give_back(std::int64_t key) {
  const auto taken = pages_.find(key);
  check(taken != pages_.end(), "cache {} comes back and was not moved away", key);
  free_.insert(taken->second.begin(), taken->second.end());
  pages_.erase(taken);
}

}  // namespace bondsim
