#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "models/dram/timing/port_timing.hpp"

namespace bondsim {

/// Reads of a stretch's columns: how often, and from access to access where that is longer than the port's.
struct ColumnPace {
  std::int64_t passes = 1;
  std::int64_t pace = 0;
};

/// The transfers of the fullest bank of a channel through its port, one after the other, by the rules of the HB engine (models/dram):
/// a row is closed and another opened where the tensor or its row changes, and refresh comes between two rows when it is due.
/// Where banks are refreshed in turns (REFpb), a bank of each turn is followed: a transfer ends with the last of them.
/// Tensors begin at the start of a row. A stretch of whole rows takes constant time.
class PortStream {
 public:
  /// All rows are closed and the banks are free at `start`; the first refresh is due at `due`.
  PortStream(const PortTiming& timing, std::int64_t start, std::int64_t due);

  /// Bytes [from, to) of a tensor. @return the end of the last access, which is the present one's when there are no bytes
  std::int64_t move(int tensor, std::int64_t from, std::int64_t to, bool write, std::int64_t submitted, const ColumnPace& pace = {});

  /// Bytes between the bus and the buffers of the PEs, past the banks, once all that was moved before has ended. @return the end of the
  /// last
  std::int64_t move_over_bus(std::int64_t bytes, bool write, std::int64_t submitted);

  /// Of the next refresh, of whichever banks.
  std::int64_t due() const;

 private:
  /// A row that one subarray holds open.
  struct Open {
    int tensor = -1;
    std::int64_t row = 0;
    std::int64_t closable = 0;   ///< PRE may come
    std::int64_t act_ready = 0;  ///< the next ACT may come, PRE apart
  };
  struct Bank {
    Open open[2];
    std::int64_t at = 0;            ///< the next row may be begun
    std::int64_t column_ready = 0;  ///< of the row opened last
    std::int64_t read_ready = 0;    ///< after a write
    std::int64_t column_end = 0;
    std::int64_t act = 0;  ///< last ACT
    std::int64_t due = 0;
  };
  struct Transfer {
    int tensor;
    std::int64_t from, to;
    bool write;
    std::int64_t submitted;
    ColumnPace pace;
    std::int64_t delay;  ///< of a refresh that work puts off
  };

  void move(Bank& bank, const Transfer& t) const;
  void move_row(Bank& bank, const Transfer& t, std::int64_t row, std::int64_t accesses) const;
  std::int64_t skip_rows(Bank& bank, const Transfer& t, std::int64_t rows, std::int64_t period) const;
  void open(Bank& bank, int tensor, std::int64_t row, std::int64_t at) const;
  void refresh_until(Bank& bank, const Transfer& t) const;
  /// Whether none comes before the next row: so it is for most rows.
  bool refreshes_later(const Bank& b, const Transfer& t) const {
    return t_.refi == 0 || (b.due - t_.pulled_in > t.submitted && b.due + t.delay > std::max({b.at, t.submitted, b.column_end}));
  }
  void refresh(Bank& bank, std::int64_t from) const;
  /// The first edge of CK at or after `t`. By a multiplication, which takes less time than a division and may be an edge off.
  std::int64_t edge(std::int64_t t) const {
    std::int64_t e = static_cast<std::int64_t>(static_cast<double>(t) * edges_a_ps_) * t_.ck;
    while (e < t) e += t_.ck;
    while (e - t_.ck >= t) e -= t_.ck;
    return e;
  }

  PortTiming t_;
  double edges_a_ps_;
  std::vector<Bank> banks_;  ///< one of each turn
};

}  // namespace bondsim
