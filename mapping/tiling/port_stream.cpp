#include "mapping/tiling/port_stream.hpp"

#include <algorithm>

#include "models/base/quantity.hpp"

namespace bondsim {

PortStream::PortStream(const PortTiming& timing, std::int64_t start, std::int64_t due)
    : t_(timing), edges_a_ps_(1.0 / static_cast<double>(timing.ck)), banks_(static_cast<std::size_t>(timing.turns)) {
  for (std::size_t turn = 0; turn < banks_.size(); ++turn) {
    Bank& b = banks_[turn];
    b.at = b.column_end = start;
    b.act = start + timing.stagger - timing.round;
    b.due = due + static_cast<std::int64_t>(turn) * (timing.refi / timing.turns);
    for (Open& o : b.open) o.act_ready = start;
  }
}

std::int64_t PortStream::due() const {
  return std::min_element(banks_.begin(), banks_.end(), [](const Bank& a, const Bank& b) { return a.due < b.due; })->due;
}

/// Refreshes that come before the next row: those for which work waits no longer, and those of idle time before `submitted`.
void PortStream::refresh_until(Bank& b, const Transfer& t) const {
  while (t_.refi > 0) {
    const std::int64_t idle = std::max(b.due - t_.pulled_in, b.column_end), busy = b.due + t.delay;
    if (idle <= t.submitted) {
      refresh(b, idle);
    } else if (busy <= std::max({b.at, t.submitted, b.column_end})) {
      refresh(b, busy);
    } else {
      return;
    }
  }
}

void PortStream::refresh(Bank& b, std::int64_t from) const {
  std::int64_t start = std::max({from, b.column_end, b.at});
  bool any = false;
  for (const Open& o : b.open) {
    if (o.tensor >= 0) start = std::max(start, o.closable);
    any = any || o.tensor >= 0;
  }
  const std::int64_t end = edge(start) + (any ? t_.close : 0) + t_.rfc;
  for (Open& o : b.open) o = {-1, 0, 0, end};
  b.at = end;
  b.due += t_.refi;
}

void PortStream::open(Bank& b, int tensor, std::int64_t row, std::int64_t at) const {
  Open& o = b.open[t_.subarrays ? row % 2 : 0];
  if (o.tensor >= 0) o.act_ready = std::max(o.act_ready, edge(std::max(at, o.closable)) + t_.rp);
  // The bank followed is the last of a staggered round.
  const std::int64_t act = edge(std::max({at, o.act_ready, b.act + t_.round}));
  o = {tensor, row, act + t_.ras, act + t_.rc};
  b.column_ready = act + t_.rcd;
  b.act = act;
}

void PortStream::move_row(Bank& b, const Transfer& t, std::int64_t row, std::int64_t accesses) const {
  if (!refreshes_later(b, t)) refresh_until(b, t);
  Open& o = b.open[t_.subarrays ? row % 2 : 0];
  std::int64_t first = std::max(b.at, t.submitted);
  if (o.tensor != t.tensor || o.row != row) {
    // Work that comes to idle banks waits for the last of them.
    open(b, t.tensor, row, t.submitted > b.column_end ? t.submitted + t_.stagger : std::max(b.at, t.submitted));
  }
  first = std::max({first, b.column_end, b.column_ready, t.write ? 0 : b.read_ready});
  const std::int64_t pace = std::max(t.pace.pace, t_.access), all = accesses * t.pace.passes;
  b.column_end = first + (all - 1) * pace + t_.access;
  b.column_ready = std::max(b.column_ready, first + all * pace);
  o.closable = std::max(o.closable, t_.closable(b.column_end, t.write));
  if (t.write) b.read_ready = b.column_end + t_.wtr;
  b.at = t_.subarrays ? first : b.column_end;
}

/// Up to `rows` more rows like the one before, each `period` after the other, before the next refresh. @return how many
std::int64_t PortStream::skip_rows(Bank& b, const Transfer& t, std::int64_t rows, std::int64_t period) const {
  if (t_.refi > 0) rows = std::min(rows, (b.due + t.delay - 1 - b.column_end) / period);
  if (rows <= 0) return 0;
  const std::int64_t shift = rows * period;
  Open& o = b.open[0];
  o.row += rows;
  o.closable += shift;
  o.act_ready += shift;
  b.at += shift;
  b.column_ready += shift;
  b.read_ready += shift;
  b.column_end += shift;
  b.act += shift;
  return rows;
}

void PortStream::move(Bank& b, const Transfer& t) const {
  if (t.to <= t.from) return;
  const std::int64_t last = (t.to - 1) / t_.page_bytes;
  // Of the whole row before: its ACT, from there to its last access, and the refresh that was due.
  std::int64_t act_before = 0, length_before = 0, due_before = 0;
  for (std::int64_t row = t.from / t_.page_bytes; row <= last; ++row) {
    const std::int64_t begin = row * t_.page_bytes;
    const std::int64_t bytes = std::min(t.to, begin + t_.page_bytes) - std::max(t.from, begin);
    move_row(b, t, row, ceil_div(bytes, t_.access_bytes));
    if (t.from > begin || t_.subarrays) continue;
    const bool repeats = row < last && act_before > 0 && b.column_end - b.act == length_before && b.due == due_before;
    if (repeats) row += skip_rows(b, t, last - 1 - row, b.act - act_before);
    act_before = b.act;
    length_before = b.column_end - b.act;
    due_before = b.due;
  }
}

std::int64_t PortStream::move_over_bus(std::int64_t bytes, bool write, std::int64_t submitted) {
  const Transfer transfer{-1, 0, 0, write, submitted, {}, t_.busy_delay(1, 0)};
  std::int64_t begin = submitted;
  for (Bank& bank : banks_) {
    refresh_until(bank, transfer);
    begin = std::max({begin, bank.at, bank.column_end});
  }
  const std::int64_t end = t_.bus_end(edge(begin), bytes, write);
  for (Bank& bank : banks_) bank.at = bank.column_end = end;
  return end;
}

std::int64_t PortStream::move(int tensor, std::int64_t from, std::int64_t to, bool write, std::int64_t submitted, const ColumnPace& pace) {
  const Transfer transfer{tensor, from, to, write, submitted, pace, t_.busy_delay(pace.passes, pace.pace)};
  std::int64_t end = 0;
  for (Bank& bank : banks_) {
    move(bank, transfer);
    end = std::max(end, bank.column_end);
  }
  return end;
}

}  // namespace bondsim
