#pragma once
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "mapping/layout/kv_regions.hpp"

namespace bondsim {

/// Where the pages of requests that come and go lie. Each channel has frames, one as many bytes of every bank as a page takes at most; a
/// request's region in it is a row of pages, and a page has a frame from the first time it is touched until its request leaves and no
/// shared block has it: the frame after that of the page before, else the first of the lowest run of free ones, else the lowest free one.
/// What lies side by side in a region may lie far apart in the bank, the more the longer requests come and go.
///
/// A channel has frames for any division of `Workload::kv_pages` over the requests, not for the longest context of each.
class KvTable {
 public:
  /// @param placements of K and V that grow, each a cache of its own, in numbered bytes (MemoryMap::number_bytes) @param workload
  /// page_tokens, kv_pages, shared_tokens
  /// @param memory the frames are reserved here
  KvTable(const std::vector<const AttentionPlacement*>& placements, const Workload& workload, MemoryMap& memory);

  /// Offsets as the placements say to where the pages lie, in the layer space; the order of bytes is kept.
  std::vector<Extent> translate(const std::vector<Extent>& extents);
  /// Where tokens [first, last) of a request lie, in whole accesses; offsets in the layer space.
  std::vector<Extent> tokens(int request, std::int64_t first, std::int64_t last) {
    return translate(regions_.extents(request, first, last));
  }
  std::int64_t token_bytes() const { return regions_.token_bytes(); }
  /// The request at this place has left: frames that no shared block has are free.
  void release(int request);

  /// Tokens [first, tokens) of a request become the block `key`, which keeps its frames until it is dropped. A frame that holds a later
  /// token too is not part of it.
  void share(std::int64_t key, int request, std::int64_t first, std::int64_t tokens);
  /// The request has a block's frames instead of its own. @pre it is alike the one that shared it
  void attach(std::int64_t key, int request);
  void drop(std::int64_t key);
  /// Requests of the same number can share blocks.
  int alike(int request) const { return regions_.alike(request); }
  /// Of `tokens` tokens in shared blocks those that lie in the blocks' frames with all of their bytes.
  std::int64_t whole_tokens(int request, std::int64_t tokens);

  /// A page lies in the frame of its own number from now on, modulo the frames: for steps that are looked at one by one.
  void lay_in_turn() { in_turn_ = true; }

  std::int64_t frames(int channel) const { return static_cast<std::int64_t>(channels_.at(channel).users.size()); }
  std::int64_t frames_in_use(int channel) const;
  /// Extents that translate() has made of those it was given, on average: 1 without fragmentation.
  double extents_a_piece() const { return pieces_ > 0 ? static_cast<double>(made_) / static_cast<double>(pieces_) : 1; }

 private:
  struct Channel {
    std::int64_t frame_bytes = 0;                               ///< of a bank
    std::int64_t base = 0;                                      ///< offset of the first frame in the layer space
    std::vector<std::pair<std::int64_t, std::size_t>> regions;  ///< first byte, number of the region; ascending
    std::vector<int> users;                                     ///< by frame: regions and blocks that have it; 0: free
    std::size_t lowest_free = 0;                                ///< no frame below is free
  };
  using Pages = std::vector<std::int64_t>;  ///< of a region, their frames; -1: none
  /// What a block has of a region of whoever holds it.
  struct Part {
    int channel = 0;
    std::vector<std::pair<std::int64_t, std::int64_t>> frames;  ///< page of the region, frame
  };
  using Block = std::vector<Part>;  ///< by region of a request

  std::int64_t frame_of(Channel& channel, std::size_t region, std::int64_t page);
  void put(std::size_t region, std::int64_t page, std::int64_t frame);
  void leave(Channel& channel, std::int64_t frame);
  const std::pair<std::int64_t, std::size_t>& region_at(const Channel& channel, std::int64_t offset) const;
  void translate(Channel& channel, const Extent& extent, std::vector<Extent>& out);

  KvRegions regions_;
  std::map<int, Channel> channels_;
  std::vector<Pages> pages_;  ///< by region
  std::map<std::int64_t, Block> blocks_;
  std::map<std::pair<int, std::int64_t>, std::int64_t> whole_tokens_;
  bool in_turn_ = false;
  std::int64_t pieces_ = 0, made_ = 0;
};

/// Frames that the channel needs at most, however the pages are divided. @param regions of the channel's requests
std::map<int, std::int64_t> kv_frames(const KvRegions& regions, const Workload& workload, const std::map<int, std::int64_t>& frame_bytes);

}  // namespace bondsim
