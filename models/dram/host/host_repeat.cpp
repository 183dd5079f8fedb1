#include <algorithm>

#include "models/base/error.hpp"
#include "models/dram/host/host_controller.hpp"

/// Spans that repeat: while streams pass through rows of the same shape, what followed from a state is remembered, and taken at once when
/// the state comes again. States are looked at where a stretch of a stream ends and after a refresh.
namespace bondsim {

/// The streams that decide what comes: those with requests in the queue, the first of each direction that has more, and the very first,
/// which is charged for refresh. False when what comes is not theirs alone, or lies in a row of which banks have different parts.
bool HostController::find_parts(Parts& parts) const {
  bool head_found[2] = {false, false};
  parts.size = 0;
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    const Stream& stream = streams_[i];
    if (stream.listed || stream.visible > decided_) return false;
    const bool head = !stream.exhausted() && !head_found[stream.write];
    if (i > 0 && !head && stream.in_flight == 0) continue;
    if (parts.size == most_memo_streams) return false;
    if (head && stream.cursor.row_shape(stream.cursor.at().row) < 0) return false;
    if (head && !head_found[0] && !head_found[1]) parts.base = parts.size;
    head_found[stream.write] |= head;
    parts.head[parts.size] = head;
    parts.stream[parts.size++] = i;
  }
  if (!head_found[0] && !head_found[1]) return false;
  parts.operators = 0;
  for (std::size_t p = 0; p < parts.size; ++p) {
    const std::int32_t op = streams_[parts.stream[p]].op;
    const std::int32_t* end = parts.op.data() + parts.operators;
    parts.op_of[p] = static_cast<std::size_t>(std::find<const std::int32_t*>(parts.op.data(), end, op) - parts.op.data());
    if (parts.op_of[p] == parts.operators) parts.op[parts.operators++] = op;
  }
  return true;
}

/// Rows are relative to that of the first stream that has more.
std::int32_t HostController::base_row(const Parts& parts) const { return streams_[parts.stream[parts.base]].cursor.at().row; }

/// The controller has come to a state worth remembering.
void HostController::note_state(ChannelOutput& output) {
  Parts parts;
  PackedState& state = memo_->scratch();
  if (!find_parts(parts) || !pack(parts, output, state)) return forget_states();
  const std::int32_t number = memo_->number_of(state);
  end_recording(parts, number, output);
  begin_recording(parts, number, output);
}

void HostController::begin_recording(const Parts& parts, std::int32_t number, const ChannelOutput& output) {
  state_ = number;
  recording_.state = -1;
  generation_ = memo_->generation();
  if (known_span(number, decided_, output.refresh) != nullptr) return;
  recording_.state = number;
  recording_.decided = decided_;
  recording_.due_ps = output.refresh.due_ps;
  recording_.times = output.account.host_sums();
  recording_.parts = parts;
  for (std::size_t p = 0; p < parts.size; ++p) {
    recording_.slot[p] = streams_[parts.stream[p]].slot;
    recording_.row[p] = streams_[parts.stream[p]].cursor.at().row;
  }
  for (std::size_t o = 0; o < parts.operators; ++o) recording_.counts[o] = output.counts_of(parts.op[o]);
}

/// No stream has come, ended or run out since: all that has happened is that of the streams that take part.
void HostController::end_recording(const Parts& parts, std::int32_t number, const ChannelOutput& output) {
  if (recording_.state < 0 || generation_ != memo_->generation() || parts.size != recording_.parts.size) return;
  HostSpan span;
  for (std::size_t p = 0; p < parts.size; ++p) {
    const Stream& stream = streams_[parts.stream[p]];
    if (stream.slot != recording_.slot[p] || parts.head[p] != recording_.parts.head[p]) return;
    if (!parts.head[p]) continue;
    const std::int32_t row = stream.cursor.at().row;
    span.rows[p] = row - recording_.row[p];
    span.shapes[p] = stream.cursor.row_shape(row);
  }
  span.cycles = decided_ - recording_.decided;
  span.reach = next_ - recording_.decided;
  span.due_ps = output.refresh.due_ps - recording_.due_ps;
  for (std::size_t i = 0; i < span.times.size(); ++i) span.times[i] = output.account.host_sums()[i] - recording_.times[i];
  for (std::size_t o = 0; o < parts.operators; ++o) span.counts.push_back(output.counts_of(parts.op[o]) - recording_.counts[o]);
  span.next = number;
  if (!output.refresh.enabled || clock_.edge(next_).value < recording_.due_ps) {
    memo_->set_quiet_span(recording_.state, std::move(span));
  } else {
    memo_->set_refresh_span(recording_.state, recording_.due_ps - clock_.edge(recording_.decided).value, std::move(span));
  }
}

/// What is known to follow from a state at cycle `decided`; null when nothing is.
const HostSpan* HostController::known_span(std::int32_t number, Cycle decided, const RefreshState& refresh) const {
  const HostSpan* quiet = memo_->quiet_span(number);
  if (!refresh.enabled) return quiet;
  if (quiet != nullptr && clock_.edge(decided + quiet->reach).value < refresh.due_ps) return quiet;
  return memo_->refresh_span(number, refresh.due_ps - clock_.edge(decided).value);
}

/// Takes the spans that follow from the present state, as far as they are known, end by `limit` and meet rows of the same shapes.
/// @return whether there were any.
bool HostController::repeat(ChannelOutput& output, Picoseconds limit) {
  if (generation_ != memo_->generation()) return false;
  if (output.account.summed_until() > clock_.edge(decided_ - 1)) return false;  // somebody has asked for times since
  RefreshState refresh = output.refresh;
  const HostSpan* span = known_span(state_, decided_, refresh);
  if (span == nullptr) return false;
  Parts parts;
  check(find_parts(parts), "a state of streams that are not there");
  HostSpan passed;
  passed.counts.resize(parts.operators);
  passed.next = state_;
  while (span != nullptr && clock_.edge(decided_ - 1 + passed.cycles + span->cycles) <= limit && meets(parts, passed, *span)) {
    passed.cycles += span->cycles;
    refresh.due_ps += span->due_ps;
    for (std::size_t i = 0; i < passed.times.size(); ++i) passed.times[i] += span->times[i];
    for (std::size_t p = 0; p < parts.size; ++p) passed.rows[p] += span->rows[p];
    for (std::size_t o = 0; o < parts.operators; ++o) passed.counts[o] += span->counts[o];
    passed.next = span->next;
    memo_->count_taken();
    span = known_span(passed.next, decided_ + passed.cycles, refresh);
  }
  if (passed.cycles == 0) return false;
  for (std::size_t o = 0; o < parts.operators; ++o) output.of(parts.op[o]) += passed.counts[o];
  output.refresh.due_ps = refresh.due_ps;
  unpack(parts, memo_->state(passed.next), decided_ + passed.cycles, passed, output);
  begin_recording(parts, passed.next, output);
  return true;
}

/// Whether the rows that the streams come to have the shapes that they had in the span.
bool HostController::meets(const Parts& parts, const HostSpan& passed, const HostSpan& span) const {
  for (std::size_t p = 0; p < parts.size; ++p) {
    if (span.rows[p] == 0) continue;
    const ExtentCursor& cursor = streams_[parts.stream[p]].cursor;
    if (cursor.row_shape(cursor.at().row + passed.rows[p] + span.rows[p]) != span.shapes[p]) return false;
  }
  return true;
}

/// A channel with nothing to do refreshes in time, one refresh like the other: those until `limit` are counted at once, but for the last
/// few, which leave the timing behind that work to come will meet. @return whether there were any.
bool HostController::skip_idle_refreshes(ChannelOutput& output, Picoseconds limit) {
  if (!output.refresh.enabled || open_banks_ != 0 || !idle() || next_ != refresh_cycle(output)) return false;
  const bool all = controller_->refresh == RefreshKind::all_bank;
  const std::int64_t interval = refresh_period(*dram_, controller_->refresh).value;
  const std::int64_t length = clock_.edge(refresh_cycles()).value;
  const std::int64_t turns = all ? 1 : dram_->organization.banks() / banks_per_refresh(*dram_);
  const std::int64_t count = ((limit.value - output.refresh.due_ps) / interval / turns - 2) * turns;
  if (count <= 0 || data_end_ > next_ || refresh_ready(all_banks_) > next_ || length + clock_.edge(1).value > interval) return false;
  const Picoseconds begin = clock_.edge(next_);
  output.refresh.due_ps += count * interval;
  next_ = refresh_cycle(output);
  (all ? output.of(-1).refreshes_all_bank : output.of(-1).refreshes_per_bank) += count;
  output.account.add_sums(begin, {0, count * length, 0, 0, (clock_.edge(next_) - begin).value - count * length});
  return true;
}

}  // namespace bondsim
