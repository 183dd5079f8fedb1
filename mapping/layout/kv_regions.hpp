#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "mapping/layout/attention.hpp"
#include "mapping/layout/memory_map.hpp"
#include "mapping/llm/workload.hpp"

namespace bondsim {

/// K or V of a request in a channel: heads side by side on PEs, or the channel's part of what only the NPU reads. Its bytes are cut into
/// frames, so many bytes of every bank each, numbered from its begin.
struct KvRegion {
  int channel = 0;
  int request = 0;
  std::size_t cache = 0;        ///< which of the placements
  std::int64_t offset = 0;      ///< of its first byte, as the placement says
  std::int64_t bank_bytes = 0;  ///< at the longest context
  std::int64_t tokens = 0;      ///< longest context
  HeadRun run;                  ///< on PEs; no GEMMs: the NPU's
  HeadStripe stripe;
};

/// The regions of all requests, and which of their frames tokens lie in.
class KvRegions {
 public:
  /// @param placements of K and V that grow, each a cache of its own @param memory their units
  KvRegions(const std::vector<const AttentionPlacement*>& placements, const Workload& workload, const MemoryMap& memory);

  const std::vector<KvRegion>& all() const { return all_; }
  /// Numbers of a request's regions, in the same order for requests whose caches lie alike.
  const std::vector<std::size_t>& of_request(int request) const { return of_request_.at(static_cast<std::size_t>(request)); }
  /// Requests of the same number have their heads on the same PEs, channels and parts of tokens.
  int alike(int request) const { return alike_.at(static_cast<std::size_t>(request)); }

  /// Accesses that hold tokens [first, last) of a request; offsets as the placements say.
  std::vector<Extent> extents(int request, std::int64_t first, std::int64_t last) const;
  /// Bytes of a token in all caches of a layer.
  std::int64_t token_bytes() const;
  /// Bytes of every bank that a page of so many tokens takes at most, by channel.
  std::map<int, std::int64_t> frame_bytes(std::int64_t page_tokens) const;

  using Frames = std::set<std::int64_t>;
  /// Frames that hold any of the first `tokens` tokens.
  Frames touched(const KvRegion& region, std::int64_t tokens, std::int64_t frame_bytes) const;
  /// Those of them that hold no later token.
  Frames whole(const KvRegion& region, std::int64_t tokens, std::int64_t frame_bytes) const;

 private:
  Frames frames_of(const KvRegion& region, const std::vector<Extent>& extents, std::int64_t frame_bytes) const;
  std::vector<Extent> extents(const KvRegion& region, std::int64_t first, std::int64_t last) const;
  const AttentionPlacement& shape(const KvRegion& region) const { return shapes_[region.cache]; }
  std::vector<std::int64_t> geometry(int request) const;

  std::vector<AttentionPlacement> shapes_;  ///< without runs and stripes
  MemoryMap memory_;
  std::vector<KvRegion> all_;
  std::vector<std::vector<std::size_t>> of_request_;
  std::vector<int> alike_;
};

}  // namespace bondsim
