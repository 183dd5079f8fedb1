#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

namespace bondsim {

/// Bytes that lie in one channel, in the same place of several neighbouring banks: bank `first_bank + i`, i < banks, holds
/// `bytes_per_bank` bytes (the first `longer_banks` of them `extra_bytes` more) from byte `bank_offset` of the bank on.
/// With `groups` > 1 the banks are so many equal groups one after the other (one a GEMM, say), and in each its first `longer_banks` hold
/// more. A bank is a sequence of rows: byte x is in row x / page_bytes, column byte x % page_bytes. bank = bank_group * banks_per_group +
/// bank in the group.
///
/// The NMP side reads an extent bank by bank through the HB ports, all banks at once. The host side visits it row by row (row of the bank,
/// not of the channel), and within one row index in the order of `host order` below, which keeps neighbouring accesses in different bank
/// groups.
struct Extent {
  std::int32_t channel = 0;
  std::int32_t first_bank = 0;
  std::int32_t banks = 0;
  std::int32_t longer_banks = 0;    ///< 0 <= longer_banks < banks (or all zero)
  std::int64_t bank_offset = 0;     ///< bytes
  std::int64_t bytes_per_bank = 0;  ///< bytes
  std::int64_t extra_bytes = 0;     ///< bytes
  std::int32_t groups = 1;          ///< divides banks

  std::int32_t group_banks() const { return groups > 1 ? banks / groups : std::max(banks, 1); }
  std::int64_t bytes_of_bank(int i) const { return bytes_per_bank + (i % group_banks() < longer_banks ? extra_bytes : 0); }
  std::int64_t max_bytes_per_bank() const { return bytes_of_bank(0); }
  std::int64_t bytes() const { return bytes_per_bank * banks + extra_bytes * longer_banks * groups; }

  /// The part at bytes [from, to) of each bank's share; a bank whose share is shorter gives what it has there.
  Extent slice(std::int64_t from, std::int64_t to) const {
    Extent part = *this;
    part.bank_offset = bank_offset + from;
    const std::int64_t longer = std::clamp(bytes_of_bank(0), from, to) - from;
    const std::int64_t shorter = std::clamp(bytes_per_bank, from, to) - from;
    part.bytes_per_bank = shorter;
    part.extra_bytes = longer_banks > 0 ? longer - shorter : 0;
    part.longer_banks = part.extra_bytes > 0 ? longer_banks : 0;
    return part;
  }
};

/// Neighbours of the same channel, offset and shares as one extent, each a group of it. The HB ports move an extent's banks all at once and
/// extents one after the other, so GEMMs side by side in a channel must be one extent.
std::vector<Extent> joined(const std::vector<Extent>& extents);

}  // namespace bondsim
