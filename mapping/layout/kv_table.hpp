#pragma once
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "mapping/layout/attention.hpp"
#include "mapping/layout/memory_map.hpp"

namespace bondsim {

/// Where the pages of requests that come and go lie. Each channel has frames, one as many bytes of every bank as a page takes at most; the
/// region of a place is a row of pages, and a page has a frame from the first time it is touched until its request leaves. A frame is the
/// lowest one that is free, so that what lies side by side in a region may lie far apart in the bank, the more the longer requests come and
/// go.
class KvTable {
 public:
  /// @param page_tokens tokens of a page @param memory has reserved the placements last; a frame more is reserved, for the regions' last
  /// page
  KvTable(const std::vector<const AttentionPlacement*>& placements, const Workload& workload, std::int64_t page_tokens, MemoryMap& memory);

  /// Offsets in the layer space, as the placements say, to where the pages lie; the order of bytes is kept.
  std::vector<Extent> translate(const std::vector<Extent>& extents);
  /// The request at this place has left: its frames are free.
  void release(int request);

  std::int64_t frames_in_use(int channel) const;
  /// Extents that translate() has made of those it was given, on average: 1 without fragmentation.
  double extents_a_piece() const { return pieces_ > 0 ? static_cast<double>(made_) / static_cast<double>(pieces_) : 1; }

 private:
  struct Channel {
    std::int64_t frame_bytes = 0;                       ///< of a bank
    std::vector<std::pair<std::int64_t, int>> regions;  ///< first byte, request; ascending
    std::int64_t end = 0;                               ///< of the last region
    std::vector<std::int64_t> frame_of_page;            ///< -1: none
    std::vector<std::int64_t> page_of_frame;            ///< -1: free
    std::size_t lowest_free = 0;                        ///< no frame below is free
  };
  std::int64_t place(Channel& channel, std::int64_t page);

  std::map<int, Channel> channels_;
  std::int64_t pieces_ = 0, made_ = 0;
};

}  // namespace bondsim
