#pragma once
#include <cstdint>
#include <vector>

#include "models/schedule/extent.hpp"
#include "models/system/system.hpp"

namespace bondsim::cost {

/// A transfer over a channel's bus, in the numbers its time depends on; of several pseudo channels, those of the one with most of it.
struct BusTransfer {
  double bursts = 0;
  double rows = 0;     ///< begun, bank by bank
  double data_ck = 0;  ///< CK of the data bus: bursts of one bank group keep tCCD_L, rows that follow one another in one bank their change
  double bank_ck = 0;  ///< CK of the bank with most to do, from its first column command to its last
};

/// The host visits extents one after the other and has as many bursts before it as its queue holds: among these it alternates between bank
/// groups. @param extents in one channel @param queue bursts it holds
BusTransfer transfer_of(const std::vector<Extent>& extents, int queue, bool write, const DramTiming& timing, const DramOrganization& shape);

}  // namespace bondsim::cost
