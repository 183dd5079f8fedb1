#include "mapping/cost/detailed/bus_transfer.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "models/base/quantity.hpp"

namespace bondsim::cost {
namespace {

constexpr std::size_t most_banks = 64;
using ByBank = std::array<double, most_banks>;

/// Bursts that wait in the queue together: the bus moves one every n_BL, a bank group one every n_CCD_L. A group's banks have its bursts
/// spread over that time.
class QueueWindows {
 public:
  QueueWindows(double bursts, const DramTiming& timing, const DramOrganization& shape)
      : size_(bursts),
        left_(bursts),
        timing_(timing),
        banks_(std::min(most_banks, static_cast<std::size_t>(shape.banks_per_pseudo_channel()))),
        banks_per_group_(static_cast<std::size_t>(shape.banks_per_group)) {}

  void add(const ByBank& bursts, double all) {
    double share = 0;
    const auto take = [&](double part) {
      for (std::size_t b = 0; b < banks_; ++b) in_window_[b] += bursts[b] * part / all;
      left_ -= part;
      share += part;
    };
    if (all >= left_) {
      take(left_);
      close(1);
    }
    const double whole = std::floor((all - share) / size_);
    if (whole >= 1) {
      take(size_);
      close(whole);
      share += (whole - 1) * size_;
    }
    if (all > share) take(all - share);
  }
  /// Of all bursts, and of those of each bank.
  double ck() {
    close(1);
    return ck_;
  }
  double bank_ck(std::size_t bank) const { return bank_ck_[bank]; }

 private:
  void close(double times) {
    ByBank of_group{};
    double fullest = 0;
    for (std::size_t b = 0; b < banks_; ++b) fullest = std::max(fullest, of_group[b / banks_per_group_] += in_window_[b]);
    const double length = std::max((size_ - left_) * timing_.n_bl_min, fullest * timing_.n_ccd_l);
    ck_ += times * length;
    for (std::size_t b = 0; b < banks_; ++b) {
      if (in_window_[b] > 0) bank_ck_[b] += times * length * in_window_[b] / of_group[b / banks_per_group_];
    }
    left_ = size_;
    in_window_.fill(0);
  }

  double size_, left_;
  const DramTiming& timing_;
  std::size_t banks_, banks_per_group_;
  double ck_ = 0;
  ByBank in_window_{}, bank_ck_{};
};

/// From the last column command in a row to the first in the bank's next row.
double change_ck(const DramTiming& t, bool write) { return t.n_rp_pb + t.n_rcd + (write ? t.n_cwl + t.n_bl_min + t.n_wr : t.n_rtp); }

/// What of the extents lies in a pseudo channel.
BusTransfer part_of(const std::vector<Extent>& extents, int pseudo_channel, int queue, bool write, const DramTiming& timing,
                    const DramOrganization& shape) {
  struct Bank {
    std::int64_t row = -1;  ///< that it was in last
    double changes = 0;     ///< of rows, CK beyond a burst's
  };
  QueueWindows windows(queue, timing, shape);
  std::array<Bank, most_banks> banks;
  BusTransfer t;
  double exposed = 0;
  for (const Extent& e : extents) {
    ByBank bursts{};
    double all = 0, last_changes = 0;
    int used = 0;
    for (std::int32_t b = 0; b < e.banks; ++b) {
      const std::int64_t bytes = e.bytes_of_bank(b);
      if (bytes == 0 || shape.pseudo_channel_of(e.first_bank + b) != pseudo_channel) continue;
      const auto number = static_cast<std::size_t>((e.first_bank + b) % shape.banks_per_pseudo_channel()) % most_banks;
      ++used;
      const auto rows = static_cast<double>(ceil_div<std::int64_t>(bytes, shape.page_bytes()));
      bursts[number] = static_cast<double>(ceil_div<std::int64_t>(bytes, shape.access_bytes()));
      all += bursts[number];
      t.rows += rows;
      const double change = std::max(change_ck(timing, write), timing.n_rc - (bursts[number] / rows - 1) * timing.n_ccd_l) - timing.n_ccd_l;
      Bank& bank = banks[number];
      const bool goes_on = bank.row < 0 || bank.row == e.bank_offset / shape.page_bytes();
      bank.changes += (rows - (goes_on ? 1 : 0)) * change;
      bank.row = (e.bank_offset + bytes - 1) / shape.page_bytes();
      last_changes = (rows - 1) * change;
    }
    if (all == 0) continue;
    t.bursts += all;
    windows.add(bursts, all);
    if (used == 1) exposed += last_changes;  // nothing moves while its rows change
  }
  t.data_ck = windows.ck() + exposed;
  for (std::size_t b = 0; b < most_banks; ++b) {
    if (banks[b].row >= 0) t.bank_ck = std::max(t.bank_ck, windows.bank_ck(b) + banks[b].changes - timing.n_ccd_l);
  }
  return t;
}

}  // namespace

BusTransfer transfer_of(const std::vector<Extent>& extents, int queue, bool write, const DramTiming& timing,
                        const DramOrganization& shape) {
  BusTransfer most;
  for (int p = 0; p < shape.pseudo_channels; ++p) {
    const BusTransfer part = part_of(extents, p, queue, write, timing, shape);
    if (part.bursts > most.bursts) most = part;
  }
  return most;
}

}  // namespace bondsim::cost
