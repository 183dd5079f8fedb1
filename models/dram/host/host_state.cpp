#include <algorithm>
#include <utility>

#include "models/base/error.hpp"
#include "models/dram/host/host_controller.hpp"

/// The state of the controller as numbers and back, for spans that repeat.
namespace bondsim {
namespace {

constexpr std::int64_t bit(int i, bool value) { return static_cast<std::int64_t>(value) << i; }
constexpr bool has_bit(std::int64_t word, int i) { return (word >> i & 1) != 0; }

}  // namespace

/// All that decides what comes after cycle decided() - 1, but for when refresh is due. What has no effect any more is left out.
bool HostController::pack(const Parts& parts, ChannelOutput& output, PackedState& state) const {
  const Cycle now = decided_;
  const Picoseconds time = clock_.edge(now - 1);
  const std::int32_t row = base_row(parts);
  state.clear();
  if (!output.account.pack(time, state)) return false;
  state.push_back(output.refresh.position);
  state.push_back(bit(0, write_turn_) | bit(1, write_mode_) | bit(2, writes_overdue_));
  state.push_back(next_ - now);
  state.push_back(std::max(data_end_ - now, Cycle{0}));
  timing_.pack(now, state);
  state.push_back(static_cast<std::int64_t>(parts.size));
  for (std::size_t p = 0; p < parts.size; ++p) {
    const Stream& stream = streams_[parts.stream[p]];
    state.push_back(static_cast<std::int64_t>(parts.op_of[p]) << 8 | bit(0, stream.write) | bit(1, stream.exhausted()) |
                    bit(2, parts.head[p]));
    state.push_back(std::max(stream.data_end - now, Cycle{0}));
    if (!parts.head[p]) continue;
    const BurstAddress& at = stream.cursor.at();
    state.push_back(static_cast<std::int64_t>(stream.cursor.banks()));
    state.push_back(static_cast<std::int64_t>(at.bank) << 32 | at.column);
    state.push_back(at.row - row);
    state.push_back(stream.cursor.row_shape(at.row));
  }
  pack_banks(row, state);
  pack_entries(parts, row, state);
  return true;
}

void HostController::pack_banks(std::int32_t row, PackedState& state) const {
  state.push_back(static_cast<std::int64_t>(opening_banks_));
  state.push_back(static_cast<std::int64_t>(open_banks_));
  for_each_bank(opening_banks_ | open_banks_, [&](std::size_t b) {
    const Bank& bank = banks_[b];
    state.push_back(bank.row - row);
    // An open row's age counts for a write it was opened for, and in which order rows are closed.
    const bool age = bank.state == RowState::opening || bank.active >= 0 || controller_->page_policy == PagePolicy::closed;
    state.push_back(age ? decided_ - bank.act1 : 0);
  });
}

/// Requests in the order they were accepted.
void HostController::pack_entries(const Parts& parts, std::int32_t row, PackedState& state) const {
  std::vector<std::pair<std::int64_t, std::int32_t>> order;
  for (const Bank& bank : banks_) {
    if (bank.active >= 0) order.emplace_back(entry_at(bank.active).order, bank.active);
    for (const Chain& chain : bank.chain) {
      for (std::int32_t e = chain.head; e >= 0; e = entry_at(e).next) order.emplace_back(entry_at(e).order, e);
    }
  }
  std::sort(order.begin(), order.end());
  state.push_back(static_cast<std::int64_t>(order.size()));
  for (const auto& numbered : order) {
    const Entry& entry = entry_at(numbered.second);
    const Bank& bank = bank_at(entry.at.bank);
    std::size_t part = 0;
    while (streams_[parts.stream[part]].slot != entry.stream) ++part;
    state.push_back(static_cast<std::int64_t>(entry.at.column) << 32 | entry.at.bank << 16 | static_cast<std::int64_t>(part) << 8 |
                    bit(0, entry.write) | bit(1, bank.active == numbered.second) | bit(2, bank.owner == numbered.second));
    // How long a write has waited counts until it is too long.
    const Cycle waited = entry.write ? std::min(decided_ - entry.accepted, write_wait_ + 1) : 0;
    state.push_back((static_cast<std::int64_t>(entry.at.row) - row) * (std::int64_t{1} << 32) + waited);
  }
}

/// The reverse of pack(), at cycle `now` and after what has passed since the streams' cursors were where they are.
void HostController::unpack(const Parts& parts, const PackedState& state, Cycle now, const HostSpan& passed, ChannelOutput& output) {
  PackedReader in(state);
  const Picoseconds time = clock_.edge(now - 1);
  decided_ = now;
  output.account.unpack(time, in, passed.times);
  output.refresh.position = static_cast<std::int32_t>(in.take());
  const std::int64_t turns = in.take();
  write_turn_ = has_bit(turns, 0);
  write_mode_ = has_bit(turns, 1);
  writes_overdue_ = has_bit(turns, 2);
  next_ = now + in.take();
  data_end_ = now + in.take();
  timing_.unpack(now, in);
  const std::int32_t row = base_row(parts) + passed.rows[parts.base];
  check(in.take() == static_cast<std::int64_t>(parts.size), "a state of other streams");
  for (std::size_t p = 0; p < parts.size; ++p) {
    Stream& stream = streams_[parts.stream[p]];
    const std::int64_t kind = in.take();
    check(has_bit(kind, 0) == stream.write && has_bit(kind, 2) == parts.head[p], "a state of other streams");
    stream.data_end = now + in.take();
    stream.in_flight = 0;
    if (!parts.head[p]) continue;
    in.take();
    const std::int64_t at = in.take();
    const auto at_row = static_cast<std::int32_t>(row + in.take());
    in.take();
    stream.cursor.jump({static_cast<std::int32_t>(at >> 32), at_row, static_cast<std::int32_t>(at)});
  }
  unpack_banks(row, in);
  unpack_entries(parts, row, in);
}

void HostController::unpack_banks(std::int32_t row, PackedReader& in) {
  opening_banks_ = static_cast<std::uint64_t>(in.take());
  open_banks_ = static_cast<std::uint64_t>(in.take());
  std::fill(banks_.begin(), banks_.end(), Bank{});
  for_each_bank(opening_banks_ | open_banks_, [&](std::size_t b) {
    banks_[b].state = has(open_banks_, static_cast<std::int32_t>(b)) ? RowState::open : RowState::opening;
    banks_[b].row = static_cast<std::int32_t>(row + in.take());
    banks_[b].act1 = decided_ - in.take();
  });
}

void HostController::unpack_entries(const Parts& parts, std::int32_t row, PackedReader& in) {
  free_all_entries();
  queued_[0] = queued_[1] = 0;
  waiting_[0] = waiting_[1] = 0;
  active_banks_ = 0;
  for (std::int64_t left = in.take(); left > 0; --left) {
    const std::int64_t word = in.take();
    const std::int64_t rows = in.take();
    const std::int32_t index = free_entry_;
    Entry& entry = entry_at(index);
    free_entry_ = entry.next;
    entry = Entry{};
    entry.order = order_++;
    entry.at = {static_cast<std::int32_t>(word >> 16 & 0xffff), static_cast<std::int32_t>(row + (rows >> 32)),
                static_cast<std::int32_t>(word >> 32)};
    entry.write = has_bit(word, 0);
    entry.accepted = decided_ - (rows & 0xffffffff);
    Stream& stream = streams_[parts.stream[static_cast<std::size_t>(word >> 8 & 0xff)]];
    entry.stream = stream.slot;
    ++stream.in_flight;
    Bank& bank = bank_at(entry.at.bank);
    if (has_bit(word, 1)) {
      bank.active = index;
      active_banks_ |= std::uint64_t{1} << entry.at.bank;
      continue;
    }
    if (has_bit(word, 2)) bank.owner = index;
    enqueue(index);
  }
}

}  // namespace bondsim
