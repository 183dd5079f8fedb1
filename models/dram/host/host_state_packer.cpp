#include <algorithm>
#include <utility>
#include <vector>

#include "models/base/error.hpp"
#include "models/dram/host/fast_forward.hpp"

namespace bondsim {
namespace {

constexpr std::int64_t bit(int i, bool value) { return static_cast<std::int64_t>(value) << i; }
constexpr bool has_bit(std::int64_t word, int i) { return (word >> i & 1) != 0; }

/// Row that others are relative to: that of the first stream that has its turn.
std::int32_t base_row(const HostState& host, const RecordedStreams& streams) {
  return host.streams.at(streams.slot[streams.base]).cursor.at().row;
}

}  // namespace

bool HostStatePacker::find_streams(const HostState& host, RecordedStreams& streams) {
  const Streams& all = host.streams;
  if (all.has_lists() || all.waits_beyond(host.decided) || all.active().size() > most_recorded_streams) return false;
  bool head_found = false;
  streams.size = streams.operators = 0;
  for (const std::int32_t slot : all.active()) {
    const Stream& stream = all.at(slot);
    const bool head = slot == all.head(stream.write);
    if (head && stream.cursor.row_shape(stream.cursor.at().row) < 0) return false;
    if (head && !head_found) streams.base = streams.size;
    head_found |= head;
    const std::int32_t* end = streams.op.data() + streams.operators;
    const auto op = static_cast<std::size_t>(std::find<const std::int32_t*>(streams.op.data(), end, stream.op) - streams.op.data());
    if (op == streams.operators) streams.op[streams.operators++] = stream.op;
    streams.op_of[streams.size] = op;
    streams.head[streams.size] = head;
    streams.slot[streams.size++] = slot;
  }
  return head_found;
}

/// All that decides what comes after cycle decided - 1, but for when refresh is due. What has no effect any more is left out.
bool HostStatePacker::pack(const HostState& host, const RecordedStreams& streams, ChannelOutput& output, PackedState& state) const {
  const Cycle now = host.decided;
  const std::int32_t row = base_row(host, streams);
  state.clear();
  if (host.after_cas.found) return false;
  if (!output.account.pack(clock_.edge(now - 1), state)) return false;
  state.push_back(output.refresh.position);
  state.push_back(bit(0, host.write_turn) | bit(1, host.drain.writing()) | bit(2, host.drain.overdue()));
  state.push_back(host.next - now);
  state.push_back(std::max(host.data_end - now, Cycle{0}));
  state.push_back(std::max(host.wck.until() - now, Cycle{0}));
  host.timing.pack(now, state);
  state.push_back(static_cast<std::int64_t>(streams.size));
  for (std::size_t s = 0; s < streams.size; ++s) {
    const Stream& stream = host.streams.at(streams.slot[s]);
    state.push_back(static_cast<std::int64_t>(streams.op_of[s]) << 8 | bit(0, stream.write) | bit(1, stream.exhausted()) |
                    bit(2, streams.head[s]));
    state.push_back(std::max(stream.data_end - now, Cycle{0}));
    if (!streams.head[s]) continue;
    const BurstAddress& at = stream.cursor.at();
    state.push_back(static_cast<std::int64_t>(stream.cursor.banks()));
    state.push_back(static_cast<std::int64_t>(at.bank) << 32 | at.column);
    state.push_back(at.row - row);
    state.push_back(stream.cursor.row_shape(at.row));
  }
  pack_rows(host, row, state);
  pack_requests(host, streams, row, state);
  return true;
}

void HostStatePacker::pack_rows(const HostState& host, std::int32_t row, PackedState& state) const {
  state.push_back(static_cast<std::int64_t>(host.rows.opening()));
  state.push_back(static_cast<std::int64_t>(host.rows.open()));
  for_each_bank(host.rows.opening() | host.rows.open(), [&](std::size_t b) {
    const RowBuffers::Buffer& buffer = host.rows.at(static_cast<std::int32_t>(b));
    state.push_back(buffer.row - row);
    // An open row's age counts for a write it was opened for, and in which order rows are closed.
    const bool age = buffer.state == RowBuffers::State::opening || buffer.active >= 0 || row_ages_;
    state.push_back(age ? host.decided - buffer.act1 : 0);
  });
}

/// Requests in the order they were accepted.
void HostStatePacker::pack_requests(const HostState& host, const RecordedStreams& streams, std::int32_t row, PackedState& state) {
  std::vector<std::pair<std::int64_t, std::int32_t>> order;
  const RequestQueues& queues = host.queues;
  for_each_bank(host.rows.active(), [&](std::size_t b) {
    const std::int32_t active = host.rows.at(static_cast<std::int32_t>(b)).active;
    order.emplace_back(queues.at(active).order, active);
  });
  for (const bool write : {false, true}) {
    for_each_bank(queues.banks_waiting(write), [&](std::size_t b) {
      for (std::int32_t r = queues.chain(static_cast<std::int32_t>(b), write).head; r >= 0; r = queues.at(r).next) {
        order.emplace_back(queues.at(r).order, r);
      }
    });
  }
  std::sort(order.begin(), order.end());
  state.push_back(static_cast<std::int64_t>(order.size()));
  const Cycle longest_wait = host.drain.longest_wait();
  for (const auto& numbered : order) {
    const Request& request = queues.at(numbered.second);
    const RowBuffers::Buffer& buffer = host.rows.at(request.at.bank);
    std::size_t stream = 0;
    while (streams.slot[stream] != request.stream) ++stream;
    state.push_back(static_cast<std::int64_t>(request.at.column) << 32 | request.at.bank << 16 | static_cast<std::int64_t>(stream) << 8 |
                    bit(0, request.write) | bit(1, buffer.active == numbered.second) | bit(2, buffer.owner == numbered.second));
    // How long a write has waited counts until it is too long.
    const Cycle waited = request.write ? std::min(host.decided - request.accepted, longest_wait + 1) : 0;
    state.push_back((static_cast<std::int64_t>(request.at.row) - row) * (std::int64_t{1} << 32) + waited);
  }
}

void HostStatePacker::unpack(HostState& host, const RecordedStreams& streams, const PackedState& state, Cycle now,
                             const FastForwardStep& passed, ChannelOutput& output) const {
  PackedReader in(state);
  const std::int32_t row = base_row(host, streams) + passed.rows[streams.base];
  host.decided = now;
  output.account.unpack(clock_.edge(now - 1), in, passed.times);
  output.refresh.position = static_cast<std::int32_t>(in.take());
  const std::int64_t turns = in.take();
  host.write_turn = has_bit(turns, 0);
  host.drain.restore(has_bit(turns, 1), has_bit(turns, 2));
  host.next = now + in.take();
  host.data_end = now + in.take();
  host.wck.restore(now + in.take());
  host.timing.unpack(now, in);
  check(in.take() == static_cast<std::int64_t>(streams.size), "a state of other streams");
  for (std::size_t s = 0; s < streams.size; ++s) {
    Stream& stream = host.streams.at(streams.slot[s]);
    const std::int64_t kind = in.take();
    check(has_bit(kind, 0) == stream.write && has_bit(kind, 2) == streams.head[s], "a state of other streams");
    stream.data_end = now + in.take();
    stream.in_flight = 0;
    if (!streams.head[s]) continue;
    in.take();
    const std::int64_t at = in.take();
    const auto at_row = static_cast<std::int32_t>(row + in.take());
    in.take();
    stream.cursor.jump({static_cast<std::int32_t>(at >> 32), at_row, static_cast<std::int32_t>(at)});
  }
  unpack_rows(host, row, in);
  unpack_requests(host, streams, row, in);
}

void HostStatePacker::unpack_rows(HostState& host, std::int32_t row, PackedReader& in) {
  const auto opening = static_cast<std::uint64_t>(in.take());
  const auto open = static_cast<std::uint64_t>(in.take());
  host.rows.clear();
  for_each_bank(opening | open, [&](std::size_t b) {
    const auto at_row = static_cast<std::int32_t>(row + in.take());
    const Cycle act1 = host.decided - in.take();
    const bool is_open = (open >> b & 1U) != 0;
    host.rows.restore(static_cast<std::int32_t>(b), is_open ? RowBuffers::State::open : RowBuffers::State::opening, at_row, act1);
  });
}

void HostStatePacker::unpack_requests(HostState& host, const RecordedStreams& streams, std::int32_t row, PackedReader& in) {
  host.queues.clear();
  for (std::int64_t left = in.take(); left > 0; --left) {
    const std::int64_t word = in.take();
    const std::int64_t rows = in.take();
    const std::int32_t index = host.queues.take();
    Request& request = host.queues.at(index);
    request.at = {static_cast<std::int32_t>(word >> 16 & 0xffff), static_cast<std::int32_t>(row + (rows >> 32)),
                  static_cast<std::int32_t>(word >> 32)};
    request.write = has_bit(word, 0);
    request.accepted = host.decided - (rows & 0xffffffff);
    request.stream = streams.slot[static_cast<std::size_t>(word >> 8 & 0xff)];
    ++host.streams.at(request.stream).in_flight;
    if (has_bit(word, 1)) {
      host.rows.restore_active(request.at.bank, index);
      continue;
    }
    if (has_bit(word, 2)) host.rows.restore_owner(request.at.bank, index);
    host.queues.enqueue(index, host.rows.at(request.at.bank).open_row());
  }
}

}  // namespace bondsim
