#include "mapping/tiling/port_stream.hpp"

#include <algorithm>

#include "models/base/quantity.hpp"

namespace bondsim {

PortStream::PortStream(const PortTiming& timing, std::int64_t start, std::int64_t due)
    : t_(timing), at_(start), column_end_(start), act_(start + timing.stagger - timing.round), due_(due) {
  for (Open& o : open_) o.act_ready = start;
}

void PortStream::refresh() {
  std::int64_t start = std::max({due_, column_end_, at_});
  bool any = false;
  for (const Open& o : open_) {
    if (o.tensor >= 0) start = std::max(start, o.closable);
    any = any || o.tensor >= 0;
  }
  const std::int64_t end = edge(start) + (any ? t_.rp_ab : 0) + t_.rfc;
  for (Open& o : open_) o = {-1, 0, 0, end};
  at_ = end;
  due_ += t_.refi;
}

void PortStream::open(int tensor, std::int64_t row, std::int64_t at) {
  Open& o = open_[t_.subarrays ? row % 2 : 0];
  if (o.tensor >= 0) o.act_ready = std::max(o.act_ready, edge(std::max(at, o.closable)) + t_.rp);
  // The bank followed is the last of a staggered round.
  const std::int64_t act = edge(std::max({at, o.act_ready, act_ + t_.round}));
  o = {tensor, row, act + t_.ras, act + t_.rc};
  column_ready_ = act + t_.rcd;
  act_ = act;
}

void PortStream::move_row(int tensor, std::int64_t row, std::int64_t accesses, bool write, std::int64_t submitted) {
  while (t_.refi > 0 && due_ <= std::max({at_, submitted, column_end_})) refresh();
  Open& o = open_[t_.subarrays ? row % 2 : 0];
  std::int64_t first = std::max(at_, submitted);
  if (o.tensor != tensor || o.row != row) {
    // Work that comes to idle banks waits for the last of them.
    open(tensor, row, submitted > column_end_ ? submitted + t_.stagger : std::max(at_, submitted));
  }
  first = std::max({first, column_end_, column_ready_, write ? 0 : read_ready_});
  column_end_ = first + accesses * t_.access;
  o.closable = std::max(o.closable, t_.closable(column_end_, write));
  if (write) read_ready_ = column_end_ + t_.wtr;
  at_ = t_.subarrays ? first : column_end_;
}

/// Up to `rows` more rows like the one before, each `period` after the other, before the next refresh. @return how many
std::int64_t PortStream::skip_rows(std::int64_t rows, std::int64_t period) {
  if (t_.refi > 0) rows = std::min(rows, (due_ - 1 - column_end_) / period);
  if (rows <= 0) return 0;
  const std::int64_t shift = rows * period;
  Open& o = open_[0];
  o.row += rows;
  o.closable += shift;
  o.act_ready += shift;
  at_ += shift;
  column_ready_ += shift;
  read_ready_ += shift;
  column_end_ += shift;
  act_ += shift;
  return rows;
}

std::int64_t PortStream::move(int tensor, std::int64_t from, std::int64_t to, bool write, std::int64_t submitted) {
  const std::int64_t last = to > from ? (to - 1) / t_.page_bytes : -1;
  // Of the whole row before: its ACT, from there to its last access, and the refresh that was due.
  std::int64_t act_before = 0, length_before = 0, due_before = 0;
  for (std::int64_t row = from / t_.page_bytes; row <= last; ++row) {
    const std::int64_t begin = row * t_.page_bytes;
    const std::int64_t bytes = std::min(to, begin + t_.page_bytes) - std::max(from, begin);
    move_row(tensor, row, ceil_div(bytes, t_.access_bytes), write, submitted);
    if (from > begin || t_.subarrays) continue;
    const bool repeats = row < last && act_before > 0 && column_end_ - act_ == length_before && due_ == due_before;
    if (repeats) row += skip_rows(last - 1 - row, act_ - act_before);
    act_before = act_;
    length_before = column_end_ - act_;
    due_before = due_;
  }
  return column_end_;
}

}  // namespace bondsim
