#pragma once
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "mapping/layout/attention.hpp"
#include "mapping/llm/batch.hpp"

namespace bondsim {

/// The heads of a batch among those on PEs: runs, or the parts of runs whose neighbours belong to requests that are alike.
std::vector<std::pair<HeadRun, ContextRows>> runs_of(const AttentionPlacement& placement, const Batch& batch);

/// The K or V caches of all heads of one context and as many new tokens, one by one. Neighbours lie on different channels where they can,
/// so that a few of them together keep all channels busy.
class HeadCaches {
 public:
  HeadCaches(const AttentionPlacement& placement, const Batch& batch, const ContextRows& rows);

  std::int64_t heads() const { return static_cast<std::int64_t>(heads_.size()); }

  /// Extents of tokens [begin, end) of heads [first, last), by channel; offsets in the layer space.
  std::map<int, std::vector<Extent>> extents(std::int64_t first, std::int64_t last, std::int64_t begin, std::int64_t end,
                                             const MemoryMap& memory) const;

 private:
  /// A head: its parts on NMP channels, or its place among those of a stripe.
  struct Head {
    std::vector<HeadRun> parts;  ///< runs of one GEMM
    const HeadStripe* stripe = nullptr;
    const HeadStripe* rest = nullptr;  ///< of its rows
    std::int64_t index = 0;
  };
  const AttentionPlacement& placement_;
  std::vector<Head> heads_;
};

}  // namespace bondsim
