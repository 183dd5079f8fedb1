#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "mapping/layout/memory_map.hpp"
#include "mapping/llm/workload.hpp"

namespace bondsim {

/// Room on the normal channels for pages of requests that had to make room: page after page in turn over the channels, each over all banks,
/// the lowest free one first. A page has K and V of all heads.
class KvSwap {
 public:
  /// @param token_bytes of a layer @param normal channels @throws ConfigError when there are none
  KvSwap(std::int64_t token_bytes, const Workload& workload, const std::vector<int>& normal, MemoryMap& memory);

  /// Bytes of a token in a layer.
  std::int64_t token_bytes() const { return token_bytes_; }
  std::int64_t page_tokens() const { return page_tokens_; }
  std::int64_t channels() const { return static_cast<std::int64_t>(channels_.size()); }
  /// Takes pages for so many tokens. @pre `key` has none, and there are enough
  void take(std::int64_t key, std::int64_t tokens);
  /// Tokens [first, last) of what was taken, by channel; offsets in the layer space. @pre first is a page's first token
  std::map<int, std::vector<Extent>> extents(std::int64_t key, std::int64_t first, std::int64_t last, const MemoryMap& memory) const;
  void give_back(std::int64_t key);
  std::int64_t free_pages() const { return static_cast<std::int64_t>(free_.size()); }

 private:
  std::int64_t page_tokens_, token_bytes_;
  std::int64_t page_bank_bytes_ = 0;
  std::vector<int> channels_;
  std::vector<std::int64_t> offsets_;  ///< by channel of these, layer space
  std::set<std::int64_t> free_;
  std::map<std::int64_t, std::vector<std::int64_t>> pages_;  ///< by key
};

}  // namespace bondsim
