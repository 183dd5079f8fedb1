#pragma once
#include <cstdint>
#include <list>
#include <unordered_map>
#include <vector>

namespace bondsim::serving {

/// Pages that a request holds: blocks shared by their hashes, in order from its first token, then pages of its own.
struct KvHolding {
  std::vector<std::int64_t> blocks;
  std::int64_t own = 0;
};

/// The KV cache as pages that requests take and give back. With prefix reuse, blocks of prompts stay when their last holder has gone, until
/// their room is needed, the one used longest ago first.
class KvPages {
 public:
  /// @param block_pages pages of a shared block
  KvPages(std::int64_t pages, std::int64_t page_tokens, std::int64_t block_pages);

  std::int64_t pages_of(std::int64_t tokens) const { return (tokens + page_tokens_ - 1) / page_tokens_; }
  std::int64_t pages() const { return pages_; }
  /// Held by requests.
  std::int64_t held() const { return pages_ - free_ - kept(); }
  /// Without a holder: free, or kept for reuse and given up on demand.
  std::int64_t available() const { return free_ + kept(); }
  std::int64_t kept() const { return static_cast<std::int64_t>(unheld_.size()) * block_pages_; }

  /// Takes what is missing for so many tokens; false, and nothing taken, when there are not enough.
  bool grow(KvHolding& holding, std::int64_t tokens);
  /// Takes the leading blocks that are known. @pre the request holds nothing @return how many
  std::int64_t reuse(KvHolding& holding, const std::vector<std::int64_t>& hashes);
  /// The next `block_pages` own pages become the block `hash`; where the block is known, its own are given back. @pre it has them
  void share(KvHolding& holding, std::int64_t hash);
  void release(KvHolding& holding);
  /// Gives up all blocks without a holder.
  void forget();

  std::int64_t allocated() const { return allocated_; }  ///< pages ever taken from the free ones
  std::int64_t freed() const { return freed_; }          ///< and given back

 private:
  struct Shared {
    std::int64_t holders = 0;
    std::list<std::int64_t>::iterator place;  ///< in unheld_, without holders
  };
  void give_back(std::int64_t pages);
  void drop_oldest();
  void hold(Shared& block);

  std::int64_t pages_, page_tokens_, block_pages_;
  std::int64_t free_;
  std::int64_t allocated_ = 0, freed_ = 0;
  std::unordered_map<std::int64_t, Shared> shared_;  ///< by hash; only looked up
  std::list<std::int64_t> unheld_;                   ///< hashes without a holder, the one used longest ago first
};

}  // namespace bondsim::serving
