#include <algorithm>

#include "models/dram/hb/hb_engine.hpp"
#include "models/dram/spec/bank_mask.hpp"

/// Rows that repeat, and commands as time passes them.
namespace bondsim {

HbEngine::RowState HbEngine::row_state(const RowShare& share) const {
  const Lane& lane = lanes_.front();
  const Bank& bank = banks_[static_cast<std::size_t>(__builtin_ctzll(share.longer))];
  const std::int64_t page_accesses = dram_->organization.page_bytes() / access_bytes_;
  RowState state;
  state.column_end = lane.column_end;
  state.pre_ready = bank.pre_ready[0] - lane.column_end;
  state.act_ready = bank.act_ready[0] - lane.column_end;
  state.column_ready = bank.column_ready - lane.column_end;
  state.settled = settled_ - lane.column_end;
  // Banks that were open before the lane's row need not have the timing of the others.
  state.whole = share.count == page_accesses && (share.shorter == 0 ? share.short_count == 0 : share.short_count == page_accesses) &&
                lane.opens == (share.longer | share.shorter);
  return state;
}

/// When the row just planned ended in the same state as the one before, the whole rows that follow are alike: those that end by `limit` and
/// begin before refresh is due are taken at once.
void HbEngine::repeat_rows(const RowShare& share, std::int64_t last_row, Ps limit, ChannelOutput& output) {
  Lane& lane = lanes_.front();
  const RowState before = last_row_state_;
  last_row_state_ = row_state(share);
  const Ps clock_period = clock_.edge(1).value;
  if (!clock_.whole_picoseconds() || !last_row_state_.repeats(before, clock_period)) return;
  const HbTransfer& transfer = job_of(lane).transfer;
  const Ps period = lane.column_end - before.column_end;
  // The last row may be cut, and so may be the last row of the shorter banks.
  const std::int64_t page = dram_->organization.page_bytes();
  const std::int64_t whole_rows = (transfer.extent.bank_offset + transfer.extent.bytes_per_bank) / page - 1 - lane.row;
  std::int64_t count = std::min({whole_rows, last_row - 1 - lane.row, (limit - lane.column_end) / period});
  if (output.refresh.enabled) {
    const Ps refresh = output.refresh.due_ps + timing_.busy_delay(transfer.passes, transfer.pace_ps);
    count = std::min(count, ceil_div(std::max<Ps>(refresh - lane.column_end, 0), period));
  }
  if (count <= 0) return;
  const std::uint64_t banks = share.longer | share.shorter;
  const std::int64_t rows = count * __builtin_popcountll(banks);
  ChannelCounts& counts = output.of(transfer.op);
  counts.activates += rows;
  counts.precharges += rows;
  (transfer.write ? counts.hb_writes : counts.hb_reads) += rows * share.accesses();
  const Ps data = (share.accesses() - 1) * share.pace_ps + access_ps_;
  output.account.add_sums(Picoseconds(lane.column_end), {count * data, 0, 0, 0, count * (period - data), 0, -count * closed_});
  const Ps shift = count * period;
  lane.row += count;
  lane.column_end += shift;
  lane.at = lane.column_end;
  for_each_bank(banks, [&](std::size_t b) {
    banks_[b].row[0] = static_cast<std::int32_t>(lane.row);
    banks_[b].pre_ready[0] += shift;
    banks_[b].act_ready[0] += shift;
    banks_[b].column_ready += shift;
    if (transfer.write) banks_[b].read_ready += shift;
  });
  settled_ += shift;
  for (Ps& act : last_acts_) act = std::max(act, act + shift);
  last_row_state_ = row_state(share);
}

// ---- Commands as time passes ----------------------------------------------------------------------------------------------

void HbEngine::emit(Picoseconds t, ChannelOutput& output) {
  emit_rows(t.value, output);
  for (Train& train : trains_) emit_train(train, t.value, output);
  trains_.erase(std::remove_if(trains_.begin(), trains_.end(), [](const Train& x) { return x.emitted == x.share.accesses(); }),
                trains_.end());
  for (BusTrain& train : bus_trains_) emit_bus_train(train, t.value, output);
  bus_trains_.erase(std::remove_if(bus_trains_.begin(), bus_trains_.end(), [](const BusTrain& x) { return x.emitted == x.bursts; }),
                    bus_trains_.end());
}

void HbEngine::emit_rows(Ps t, ChannelOutput& output) {
  const auto earlier = [](const RowCommand& a, const RowCommand& b) { return a.time < b.time; };
  if (!std::is_sorted(rows_.begin(), rows_.end(), earlier)) std::stable_sort(rows_.begin(), rows_.end(), earlier);
  for (const RowCommand& row : rows_) {
    if (row.time > t) continue;
    ChannelCounts& counts = output.of(row.op);
    if (row.command == DramCommand::refab || row.command == DramCommand::rfmab) {
      (row.command == DramCommand::refab ? counts.refreshes_all_bank : counts.managements_all_bank) += ranks_;
    } else if (row.command == DramCommand::refpb || row.command == DramCommand::rfmpb) {
      ++(row.command == DramCommand::refpb ? counts.refreshes_per_bank : counts.managements_per_bank);
    } else if (row.command == DramCommand::prea) {
      const auto closed = static_cast<std::int64_t>(row.banks);  // for PREA: how many rows it closes
      counts.precharges += closed;
      output.account.change_open_rows(Picoseconds(row.time), -closed);
    } else {
      const bool opens = row.command == DramCommand::act1;
      const std::int64_t rows = __builtin_popcountll(row.banks);
      (opens ? counts.activates : counts.precharges) += rows;
      output.account.change_open_rows(Picoseconds(row.time), opens ? rows : -rows);
    }
    if (!output.keep_log) continue;
    if (row.command == DramCommand::refpb || row.command == DramCommand::rfmpb) {
      output.record(Picoseconds(row.time), row.command, __builtin_ctzll(row.banks), -1, -1, row.op);
    } else if (row.command == DramCommand::refab || row.command == DramCommand::rfmab || row.command == DramCommand::prea) {
      for (std::int32_t rank = 0; rank < ranks_; ++rank) {
        output.record(Picoseconds(row.time), row.command, ranks_ == 1 ? -1 : rank * dram_->organization.banks_per_rank(), -1, -1, row.op);
      }
    } else {
      for_each_bank(row.banks, [&](std::size_t b) {
        output.record(Picoseconds(row.time), row.command, static_cast<std::int32_t>(b), row.row, -1, row.op);
      });
    }
  }
  rows_.erase(std::remove_if(rows_.begin(), rows_.end(), [t](const RowCommand& x) { return x.time <= t; }), rows_.end());
}

void HbEngine::emit_train(Train& train, Ps t, ChannelOutput& output) const {
  if (t < train.first) return;
  const RowShare& share = train.share;
  const std::int64_t until = std::min((t - train.first) / share.pace_ps + 1, share.accesses());
  ChannelCounts& counts = output.of(train.op);
  (train.write ? counts.hb_writes : counts.hb_reads) +=
      __builtin_popcountll(share.longer) * (until - train.emitted) +
      __builtin_popcountll(share.shorter) * (share.short_accesses(until) - share.short_accesses(train.emitted));
  if (output.keep_log) {
    const std::int32_t step = dram_->organization.columns_of(static_cast<int>(access_bytes_));
    for (std::int64_t i = train.emitted; i < until; ++i) {
      const std::int64_t in_pass = i % share.count;
      const std::uint64_t banks = share.longer | (in_pass < share.short_count ? share.shorter : 0);
      for_each_bank(banks, [&](std::size_t b) {
        output.record(Picoseconds(train.first + i * share.pace_ps), train.write ? DramCommand::nwr : DramCommand::nrd,
                      static_cast<std::int32_t>(b), train.row, (share.first + static_cast<std::int32_t>(in_pass)) * step, train.op);
      });
    }
  }
  train.emitted = until;
}

}  // namespace bondsim
