#pragma once
#include <cstdint>

#include "models/dram/timing/port_timing.hpp"

namespace bondsim {

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
