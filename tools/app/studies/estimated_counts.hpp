#pragma once
#include <vector>

#include "models/schedule/schedule.hpp"
#include "models/system/system.hpp"
#include "sim/ledger.hpp"

namespace bondsim::tools {

/// DRAM commands of tasks without simulating them.
class CommandCount {
 public:
  /// @param system must outlive this
  explicit CommandCount(const System& system) : system_(system), page_(system.dram.organization.page_bytes()) {}

  ChannelCounts host(const std::vector<Extent>& extents, bool write) const;
  ChannelCounts nmp(const NmpGemm& gemm) const;

 private:
  const System& system_;
  std::int64_t page_;
};

/// Books the actions of a block's tasks.
void add_commands(Ledger& ledger, const CommandCount& count, const Block& block);

/// Refreshes of a channel in so long a time.
ChannelCounts refreshes(const System& system, double seconds);

}  // namespace bondsim::tools
