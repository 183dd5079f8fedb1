#include "models/dram/host/fast_forward.hpp"

#include <algorithm>
#include <utility>

#include "models/base/error.hpp"

namespace bondsim {

void FastForward::record(const HostState& host, ChannelOutput& output) {
  RecordedStreams streams;
  PackedState& state = table_->scratch();
  if (!HostStatePacker::find_streams(host, streams) || !packer_.pack(host, streams, output, state)) return forget();
  const std::int32_t number = table_->number_of(state);
  end_step(host, streams, number, output);
  begin_step(host, streams, number, output);
}

void FastForward::begin_step(const HostState& host, const RecordedStreams& streams, std::int32_t number, const ChannelOutput& output) {
  state_ = number;
  recording_.state = -1;
  generation_ = table_->generation();
  if (known_step(number, host.decided, output.refresh) != nullptr) return;
  recording_.state = number;
  recording_.decided = host.decided;
  recording_.due_ps = output.refresh.due_ps;
  recording_.times = output.account.host_sums();
  recording_.streams = streams;
  for (std::size_t s = 0; s < streams.size; ++s) {
    const Stream& stream = host.streams.at(streams.slot[s]);
    recording_.number[s] = stream.number;
    recording_.row[s] = stream.cursor.at().row;
  }
  for (std::size_t o = 0; o < streams.operators; ++o) recording_.counts[o] = output.counts_of(streams.op[o]);
}

/// No stream has come, ended or run out since the step began: all that has happened is that of the streams that take part.
void FastForward::end_step(const HostState& host, const RecordedStreams& streams, std::int32_t number, const ChannelOutput& output) {
  if (recording_.state < 0 || generation_ != table_->generation() || streams.size != recording_.streams.size) return;
  FastForwardStep step;
  for (std::size_t s = 0; s < streams.size; ++s) {
    const Stream& stream = host.streams.at(streams.slot[s]);
    if (stream.number != recording_.number[s] || streams.head[s] != recording_.streams.head[s]) return;
    if (!streams.head[s]) continue;
    const std::int32_t row = stream.cursor.at().row;
    step.rows[s] = row - recording_.row[s];
    step.shapes[s] = stream.cursor.row_shape(row);
  }
  step.cycles = host.decided - recording_.decided;
  step.reach = host.next - recording_.decided;
  step.due_ps = output.refresh.due_ps - recording_.due_ps;
  for (std::size_t i = 0; i < step.times.size(); ++i) step.times[i] = output.account.host_sums()[i] - recording_.times[i];
  for (std::size_t o = 0; o < streams.operators; ++o) step.counts.push_back(output.counts_of(streams.op[o]) - recording_.counts[o]);
  step.next = number;
  if (!output.refresh.enabled || clock_.edge(host.next).value < recording_.due_ps) {
    table_->set_quiet_step(recording_.state, std::move(step));
  } else {
    table_->set_refresh_step(recording_.state, recording_.due_ps - clock_.edge(recording_.decided).value, std::move(step));
  }
}

/// The step that follows from a state at cycle `decided`; null when it is not known.
const FastForwardStep* FastForward::known_step(std::int32_t number, Cycle decided, const RefreshState& refresh) const {
  const FastForwardStep* quiet = table_->quiet_step(number);
  if (!refresh.enabled) return quiet;
  if (quiet != nullptr && clock_.edge(decided + quiet->reach).value < refresh.due_ps) return quiet;
  return table_->refresh_step(number, refresh.due_ps - clock_.edge(decided).value);
}

bool FastForward::advance(HostState& host, ChannelOutput& output, Picoseconds limit) {
  if (state_ < 0 || generation_ != table_->generation()) return false;
  if (output.account.summed_until() > clock_.edge(host.decided - 1)) return false;  // somebody has asked for times since
  RefreshState refresh = output.refresh;
  const FastForwardStep* step = known_step(state_, host.decided, refresh);
  if (step == nullptr) return false;
  RecordedStreams streams;
  check(HostStatePacker::find_streams(host, streams), "a state of streams that are not there");
  FastForwardStep passed;
  passed.counts.resize(streams.operators);
  passed.next = state_;
  while (step != nullptr && clock_.edge(host.decided - 1 + passed.cycles + step->cycles) <= limit &&
         shapes_match(host, streams, passed, *step)) {
    passed.cycles += step->cycles;
    refresh.due_ps += step->due_ps;
    for (std::size_t i = 0; i < passed.times.size(); ++i) passed.times[i] += step->times[i];
    for (std::size_t s = 0; s < streams.size; ++s) passed.rows[s] += step->rows[s];
    for (std::size_t o = 0; o < streams.operators; ++o) passed.counts[o] += step->counts[o];
    passed.next = step->next;
    table_->count_taken();
    step = known_step(passed.next, host.decided + passed.cycles, refresh);
  }
  if (passed.cycles == 0) return false;
  for (std::size_t o = 0; o < streams.operators; ++o) output.of(streams.op[o]) += passed.counts[o];
  output.refresh.due_ps = refresh.due_ps;
  packer_.unpack(host, streams, table_->state(passed.next), host.decided + passed.cycles, passed, output);
  begin_step(host, streams, passed.next, output);
  return true;
}

/// Whether the rows that the streams reach have the shapes that they have in the step.
bool FastForward::shapes_match(const HostState& host, const RecordedStreams& streams, const FastForwardStep& passed,
                               const FastForwardStep& step) {
  for (std::size_t s = 0; s < streams.size; ++s) {
    if (step.rows[s] == 0) continue;
    const ExtentCursor& cursor = host.streams.at(streams.slot[s]).cursor;
    if (cursor.row_shape(cursor.at().row + passed.rows[s] + step.rows[s]) != step.shapes[s]) return false;
  }
  return true;
}

}  // namespace bondsim
