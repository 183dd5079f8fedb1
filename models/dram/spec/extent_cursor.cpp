#include "models/dram/spec/extent_cursor.hpp"

#include <algorithm>

#include "models/base/error.hpp"
#include "models/base/quantity.hpp"

namespace bondsim {
namespace {

constexpr std::int32_t stretch_bursts = 64;

}  // namespace

void ExtentCursor::check_inside(const Extent& extent, const DramOrganization& organization) {
  check(extent.first_bank >= 0 && extent.banks >= 0 && extent.first_bank + extent.banks <= organization.banks() &&
            extent.bank_offset >= 0 && extent.bytes_per_bank >= 0 &&
            extent.bank_offset + extent.max_bytes_per_bank() <= organization.bank_bytes(),
        "extent outside the channel: banks {} + {}, bytes {} + {}", extent.first_bank, extent.banks, extent.bank_offset,
        extent.max_bytes_per_bank());
}

ExtentCursor::ExtentCursor(const Extent& extent, const DramOrganization& organization) {
  check(organization.pseudo_channels == 1, "a cursor over {} pseudo channels", organization.pseudo_channels);
  check_inside(extent, organization);
  *this = of_pseudo_channel(extent, organization, 0);
}

ExtentCursor ExtentCursor::of_pseudo_channel(Extent extent, const DramOrganization& organization, std::int32_t first_bank) {
  ExtentCursor cursor;
  extent.first_bank -= first_bank;
  cursor.extent_ = extent;
  cursor.page_bytes_ = organization.page_bytes();
  cursor.burst_bytes_ = organization.access_bytes();
  cursor.ranks_ = organization.ranks;
  cursor.groups_ = organization.bank_groups;
  cursor.banks_per_group_ = organization.banks_per_group;
  cursor.begin();
  return cursor;
}

void ExtentCursor::begin() {
  if (extent_.bytes() == 0) return;
  done_ = false;
  at_.row = static_cast<std::int32_t>(extent_.bank_offset / page_bytes_);
  last_row_ = static_cast<std::int32_t>((extent_.bank_offset + extent_.max_bytes_per_bank() - 1) / page_bytes_);
  bank_in_group_ = -1;
  next_bank();
}

std::int64_t ExtentCursor::row_shape(std::int32_t row) const {
  const std::int64_t row_begin = row * page_bytes_;
  const std::int64_t from = std::max<std::int64_t>(extent_.bank_offset - row_begin, 0);
  const auto to = [&](std::int64_t bytes) { return std::min(extent_.bank_offset + bytes - row_begin, page_bytes_); };
  const std::int64_t shorter = to(extent_.bytes_per_bank);
  if (shorter <= from) return -1;
  const std::int64_t end = ceil_div(shorter, burst_bytes_);
  return end == ceil_div(to(extent_.max_bytes_per_bank()), burst_bytes_) ? from / burst_bytes_ << 32 | end : -1;
}

void ExtentCursor::jump(const BurstAddress& at) {
  at_.row = at.row;
  const std::int32_t rank_banks = groups_ * banks_per_group_;
  first_of_rank_ = at.bank / rank_banks * rank_banks;
  bank_in_group_ = at.bank % banks_per_group_;
  check(enter_bank(), "jump to bank {}, which is not of the extent", at.bank);
  at_ = at;
  group_ = (at.bank - first_of_rank_) / banks_per_group_;
}

/// Goes to the first burst of the next bank of the groups that has any, in this row or a later one.
void ExtentCursor::next_bank() {
  do {
    if (++bank_in_group_ == banks_per_group_) {
      bank_in_group_ = 0;
      const std::int32_t rank_banks = groups_ * banks_per_group_;
      first_of_rank_ = (first_of_rank_ + rank_banks) % (ranks_ * rank_banks);
      if (first_of_rank_ == 0 && ++at_.row > last_row_) {
        done_ = true;
        return;
      }
    }
  } while (!enter_bank());
}

bool ExtentCursor::enter_bank() {
  std::int32_t first = INT32_MAX;
  column_end_ = 0;
  std::int32_t active_groups = 0;
  const std::int64_t row_begin = at_.row * page_bytes_;
  for (std::int32_t g = 0; g < groups_; ++g) {
    const auto i = static_cast<std::size_t>(g);
    const std::int32_t share = first_of_rank_ + g * banks_per_group_ + bank_in_group_ - extent_.first_bank;
    begin_[i] = end_[i] = 0;
    if (share < 0 || share >= extent_.banks) continue;
    const std::int64_t from = std::max<std::int64_t>(extent_.bank_offset - row_begin, 0);
    const std::int64_t to = std::min(extent_.bank_offset + extent_.bytes_of_bank(share) - row_begin, page_bytes_);
    if (to <= from) continue;
    begin_[i] = static_cast<std::int32_t>(from / burst_bytes_);
    end_[i] = static_cast<std::int32_t>(ceil_div(to, burst_bytes_));
    ++active_groups;
    first = std::min(first, begin_[i]);
    column_end_ = std::max(column_end_, end_[i]);
  }
  if (column_end_ == 0) return false;
  stretch_ = std::max(stretch_bursts / active_groups, 1);
  at_.column = first;
  group_ = -1;
  advance();
  return true;
}

std::int64_t ExtentCursor::bursts(const Extent& extent, const DramOrganization& organization) {
  const std::int64_t burst = organization.access_bytes();
  std::int64_t sum = 0;
  for (int b = 0; b < extent.banks; ++b) {
    const std::int64_t bytes = extent.bytes_of_bank(b);
    if (bytes > 0) sum += ceil_div(extent.bank_offset + bytes, burst) - extent.bank_offset / burst;
  }
  return sum;
}

}  // namespace bondsim
