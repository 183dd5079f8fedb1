#pragma once
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

namespace bondsim::serving {

/// A block of tokens: who has it lies in memory as the `alike`-th kind of place, and its text has the hash.
struct KvBlockName {
  int alike = 0;
  std::int64_t hash = 0;
  bool operator<(const KvBlockName& other) const { return std::tie(alike, hash) < std::tie(other.alike, other.hash); }
};

/// Pages that a request holds: shared blocks, in order from its first token, then pages of its own.
struct KvHolding {
  std::vector<KvBlockName> blocks;
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
  /// Leading blocks of such a text that are known.
  std::int64_t known(int alike, const std::vector<std::int64_t>& hashes) const;
  /// Takes the first `count` blocks. @pre they are known, and the request holds nothing
  void reuse(KvHolding& holding, int alike, const std::vector<std::int64_t>& hashes, std::int64_t count);
  /// The next `block_pages` own pages become a block; where it is known, its own are given back. @pre it has them
  /// @return whether the block is new
  bool share(KvHolding& holding, const KvBlockName& name);
  /// Number of a block that is known; no other block of the run has it.
  std::int64_t key(const KvBlockName& name) const { return shared_.at(name).key; }
  /// Is told the number of each block that is given up.
  void when_dropped(std::function<void(std::int64_t)> tell) { tell_dropped_ = std::move(tell); }
  void release(KvHolding& holding);
  /// Gives up all blocks without a holder.
  void forget();

  std::int64_t allocated() const { return allocated_; }  ///< pages ever taken from the free ones
  std::int64_t freed() const { return freed_; }          ///< and given back

 private:
  struct Shared {
    std::int64_t key = 0;
    std::int64_t holders = 0;
    std::list<KvBlockName>::iterator place;  ///< in unheld_, without holders
  };
  void give_back(std::int64_t pages);
  void drop_oldest();
  void hold(Shared& block);

  std::int64_t pages_, page_tokens_, block_pages_;
  std::int64_t free_;
  std::int64_t allocated_ = 0, freed_ = 0;
  std::int64_t last_key_ = 0;
  std::map<KvBlockName, Shared> shared_;
  std::list<KvBlockName> unheld_;  ///< without a holder, the one used longest ago first
  std::function<void(std::int64_t)> tell_dropped_;
};

}  // namespace bondsim::serving
