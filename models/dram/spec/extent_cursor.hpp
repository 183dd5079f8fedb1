#pragma once
#include <array>
#include <cstdint>

#include "models/dram/spec/bank_mask.hpp"
#include "models/dram/spec/organization.hpp"
#include "models/schedule/extent.hpp"

namespace bondsim {

/// Place of one burst in a channel; in the controller of a pseudo channel, its banks are numbered from 0.
struct BurstAddress {
  std::int32_t bank = 0;  ///< (rank * bank_groups + bank_group) * banks_per_group + bank in the group
  std::int32_t row = 0;
  std::int32_t column = 0;  ///< in bursts
};

inline constexpr int max_bank_groups = 16;

/// Walks the bursts of an extent in the order the host visits them: row by row, in a row index rank by rank, one bank of every group at a
/// time, and neighbouring bursts in different bank groups ([row, rank, bank, column, bank_group] from most to least significant).
/// Banks and bytes outside the extent are left out; a burst that the extent touches in part is moved whole.
class ExtentCursor {
 public:
  ExtentCursor() = default;
  /// @throws InternalError when the extent lies outside the channel.
  ExtentCursor(const Extent& extent, const DramOrganization& organization);
  /// The bursts of an extent in the banks of a pseudo channel, from `first_bank` on; bank 0 of the cursor is that one.
  /// @param organization of the pseudo channel
  static ExtentCursor of_pseudo_channel(Extent extent, const DramOrganization& organization, std::int32_t first_bank);
  /// @throws InternalError when the extent lies outside the channel.
  static void check_inside(const Extent& extent, const DramOrganization& organization);

  bool done() const { return done_; }
  const BurstAddress& at() const { return at_; }

  /// @return whether a stretch ends: some tens of bursts in the same banks.
  bool advance() {
    bool stretch_ends = false;
    do {
      if (++group_ == groups_) {
        group_ = 0;
        if (++at_.column >= column_end_) {
          next_bank();
          return true;
        }
        stretch_ends = at_.column % stretch_ == 0;
      }
    } while (at_.column < begin_[static_cast<std::size_t>(group_)] || at_.column >= end_[static_cast<std::size_t>(group_)]);
    at_.bank = first_of_rank_ + group_ * banks_per_group_ + bank_in_group_;
    return stretch_ends;
  }

  /// Columns that the extent has in a row, as first << 32 | end; -1 when its banks differ in that, or it has none.
  std::int64_t row_shape(std::int32_t row) const;
  /// Banks of the extent, as bits; with them, a place and the shapes of the rows the way through these rows is given.
  std::uint64_t banks() const { return bank_mask(extent_.first_bank, extent_.banks); }
  /// Goes to a place that advance() would come to.
  void jump(const BurstAddress& at);

  /// Bursts of the whole extent.
  static std::int64_t bursts(const Extent& extent, const DramOrganization& organization);

 private:
  void begin();
  void next_bank();
  bool enter_bank();

  BurstAddress at_;
  Extent extent_;
  std::int64_t page_bytes_ = 0;
  std::int64_t burst_bytes_ = 0;
  std::int32_t ranks_ = 1;
  std::int32_t groups_ = 0;
  std::int32_t banks_per_group_ = 0;
  std::int32_t group_ = 0;
  std::int32_t bank_in_group_ = 0;
  std::int32_t first_of_rank_ = 0;  ///< bank
  std::int32_t column_end_ = 0;
  std::int32_t last_row_ = 0;
  std::int32_t stretch_ = 1;  ///< in columns
  bool done_ = true;
  std::array<std::int32_t, max_bank_groups> begin_{};
  std::array<std::int32_t, max_bank_groups> end_{};
};

}  // namespace bondsim
