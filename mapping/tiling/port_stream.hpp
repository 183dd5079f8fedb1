#pragma once
#include <cstdint>

#include "models/dram/spec/config.hpp"
#include "models/nmp/config.hpp"

namespace bondsim {

/// Timing of a bank behind its HB port, in picoseconds (CK rounded to one).
struct PortTiming {
  std::int64_t ck = 1;
  std::int64_t page_bytes = 1, access_bytes = 1, access = 1;
  std::int64_t rcd = 0, rp = 0, ras = 0, rc = 0, wr = 0, rtp = 0, wtr = 0, rp_ab = 0, rfc = 0;
  std::int64_t refi = 0;     ///< 0: no refresh
  std::int64_t stagger = 0;  ///< from the ACT of the first bank to that of the last; 0: all at once
  bool subarrays = false;    ///< the next row opens in another subarray under the accesses of the present one
};

/// @param refresh false: the channel is never refreshed
PortTiming port_timing(const DramConfig& dram, const NmpConfig& nmp, bool refresh);

/// What lies between the accesses of two whole rows read one after the other.
std::int64_t row_gap_ps(const PortTiming& timing);

/// The transfers of the fullest bank of a channel through its port, one after the other, by the rules of the HB engine (models/dram):
/// a row is closed and another opened where the tensor or its row changes, and refresh comes between two rows when it is due.
/// Tensors begin at the start of a row. A stretch of whole rows takes constant time.
class PortStream {
 public:
  /// All rows are closed and the bank is free at `start`; the first refresh is due at `due`.
  PortStream(const PortTiming& timing, std::int64_t start, std::int64_t due);

  /// Bytes [from, to) of a tensor. @return the end of the last access, which is the present one's when there are no bytes
  std::int64_t move(int tensor, std::int64_t from, std::int64_t to, bool write, std::int64_t submitted);

  std::int64_t due() const { return due_; }

 private:
  void move_row(int tensor, std::int64_t row, std::int64_t accesses, bool write, std::int64_t submitted);
  std::int64_t skip_rows(std::int64_t rows, std::int64_t period);
  void open(int tensor, std::int64_t row, std::int64_t at);
  void refresh();
  std::int64_t edge(std::int64_t t) const { return (t + t_.ck - 1) / t_.ck * t_.ck; }

  /// A row that one subarray holds open.
  struct Open {
    int tensor = -1;
    std::int64_t row = 0;
    std::int64_t closable = 0;   ///< PRE may come
    std::int64_t act_ready = 0;  ///< the next ACT may come, PRE apart
  };

  PortTiming t_;
  Open open_[2];
  std::int64_t at_ = 0;            ///< the next row may be begun
  std::int64_t column_ready_ = 0;  ///< of the row opened last
  std::int64_t read_ready_ = 0;    ///< after a write
  std::int64_t column_end_ = 0;
  std::int64_t act_ = 0;  ///< last ACT
  std::int64_t due_ = 0;
};

}  // namespace bondsim
