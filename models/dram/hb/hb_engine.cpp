#include "models/dram/hb/hb_engine.hpp"

#include <algorithm>
#include <utility>

#include "models/base/error.hpp"
#include "models/dram/spec/bank_mask.hpp"

namespace bondsim {

HbEngine::HbEngine(const DramConfig& dram, const ControllerConfig& controller, const BankPorts& nmp, const ChannelSwitches& switches,
                   const std::vector<TimingRule>& rules, const Clock& clock)
    : dram_(&dram),
      clock_(clock),
      access_ps_(nmp.hb.access_ps()),
      access_bytes_(nmp.hb.access_bytes),
      staggered_(nmp.activate_policy == ActivatePolicy::staggered),
      ranks_(dram.organization.all_ranks()),
      per_bank_(switches.refresh && controller.refresh == RefreshKind::per_bank),
      separate_(staggered_ || per_bank_),
      overlap_(nmp.subarray_overlap),
      row_timing_(switches.row_timing),
      n_(port_cycles(rules)),
      bus_(bus_cycles(dram.timing)),
      timing_(port_timing(dram, nmp, rules, clock, switches.refresh ? &controller : nullptr)),
      banks_(static_cast<std::size_t>(dram.organization.banks())),
      lanes_(staggered_ ? banks_.size() : static_cast<std::size_t>(timing_.turns)),
      refresh_period_(refresh_period(dram, controller.refresh).value),
      turns_(per_bank_ ? timing_.turns : 1) {
  last_acts_.fill(-far_away);
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    lanes_[i].turn = static_cast<std::int32_t>(i) % turns_;
    lanes_[i].banks = banks_of_turn(static_cast<std::int32_t>(i), static_cast<std::int32_t>(lanes_.size()), dram.organization.banks());
  }
  check(dram.organization.page_bytes() % access_bytes_ == 0, "page of {} bytes is not whole accesses of {} bytes",
        dram.organization.page_bytes(), access_bytes_);
}

void HbEngine::enter(Picoseconds now, Picoseconds activate, Picoseconds refresh) {
  for (Bank& bank : banks_) {
    bank.row.fill(-1);
    bank.act_ready.fill(activate.value);
  }
  for (Lane& lane : lanes_) lane.at = lane.column_end = now.value;
  settled_ = refresh_ready_ = refresh.value;
  decided_ = now.value;
  last_refpb_ = -far_away;
  pending_ = {};
  next_known_ = false;
}

void HbEngine::submit(const HbTransfer& transfer, Picoseconds now, ChannelOutput& output) {
  const Extent& extent = transfer.extent;
  check(extent.first_bank >= 0 && extent.banks >= 0 && extent.first_bank + extent.banks <= static_cast<int>(banks_.size()) &&
            extent.bank_offset >= 0 && extent.bytes_per_bank >= 0 &&
            extent.bank_offset + extent.max_bytes_per_bank() <= dram_->organization.bank_bytes(),
        "extent outside the channel: banks {} + {}, bytes {} + {}", extent.first_bank, extent.banks, extent.bank_offset,
        extent.max_bytes_per_bank());
  Job job;
  job.transfer = transfer;
  job.submitted = now.value;
  const std::int32_t size = extent.group_banks();
  const std::int32_t longer = extent.longer_banks > 0 ? extent.longer_banks : size;
  for (std::int32_t first = extent.first_bank; first < extent.first_bank + extent.banks; first += size) {
    job.longer |= bank_mask(first, longer);
    if (longer < size) job.shorter |= bank_mask(first + longer, size - longer);
  }
  for (const Lane& lane : lanes_) job.lanes_left += bytes_of(lane, job) > 0;
  check(job.lanes_left > 0, "an empty HB transfer was submitted");
  next_known_ = false;
  if (jobs_.empty()) output.account.begin_work(now);
  jobs_.push_back(job);
  for (std::size_t lane = 0; lane < lanes_.size(); ++lane) skip_others(lane);
}

/// Bytes of the lane's longest bank.
std::int64_t HbEngine::bytes_of(const Lane& lane, const Job& job) {
  if (job.transfer.bus_bytes > 0) return job.transfer.bus_bytes;
  const Extent& extent = job.transfer.extent;
  if ((job.longer & lane.banks) != 0) return extent.max_bytes_per_bank();
  return (job.shorter & lane.banks) != 0 ? extent.bytes_per_bank : 0;
}

/// A lane passes over jobs that have nothing for it.
void HbEngine::skip_others(std::size_t lane) {
  Lane& l = lanes_[lane];
  l.job = std::max(l.job, first_job_);
  while (has_work(l) && l.row < 0 && bytes_of(l, job_of(l)) == 0) ++l.job;
}

HbEngine::RowShare HbEngine::share_of(const Lane& lane, const Job& job, std::int64_t row) const {
  const Extent& extent = job.transfer.extent;
  const std::int64_t page = dram_->organization.page_bytes();
  const std::int64_t row_begin = row * page;
  const std::int64_t from = std::max<std::int64_t>(extent.bank_offset - row_begin, 0) / access_bytes_;
  const auto accesses = [&](std::int64_t bytes) {
    const std::int64_t to = std::min(extent.bank_offset + bytes - row_begin, page);
    return bytes > 0 && to > 0 ? std::max<std::int64_t>(ceil_div(to, access_bytes_) - from, 0) : 0;
  };
  RowShare share;
  share.first = static_cast<std::int32_t>(from);
  share.passes = job.transfer.passes;
  share.pace_ps = std::max(job.transfer.pace_ps, access_ps_);
  share.longer = job.longer & lane.banks;
  share.count = accesses(bytes_of(lane, job));
  const std::uint64_t shorter = job.shorter & lane.banks;
  if (share.longer == 0) {
    share.longer = shorter;
  } else if (shorter != 0) {
    share.short_count = accesses(extent.bytes_per_bank);
    if (share.short_count > 0) share.shorter = shorter;
  }
  return share;
}

std::uint64_t HbEngine::banks_to_open(const RowShare& share, std::int64_t row) const {
  std::uint64_t opens = 0;
  const std::size_t sub = subarray(row);
  for_each_bank(share.longer | share.shorter, [&](std::size_t b) {
    if (banks_[b].row[sub] != row) opens |= std::uint64_t{1} << b;
  });
  return opens;
}

// ---- Next decision ------------------------------------------------------------------------------------------------------

/// Time of the lane's next decision or ACT; far away without work.
HbEngine::Ps HbEngine::time_of(const Lane& lane) const {
  if (!has_work(lane) || (job_of(lane).transfer.bus_bytes > 0 && !all_lanes_at(lane.job))) return far_away;
  return lane.phase == Phase::activate ? lane.at : std::max(lane.at, job_of(lane).submitted);
}

const HbEngine::Decision& HbEngine::decision(const ChannelOutput& output) const {
  if (std::exchange(next_known_, true)) return next_;
  next_.refresh = next_refresh(output);
  next_.lane = lanes_.size();
  next_.lane_at = far_away;
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    const Ps t = time_of(lanes_[i]);
    // Of banks that wait for tRRD or tFAW, the one that has waited longest: low banks must not run ahead into later rows.
    const bool earlier = t < next_.lane_at || (t == next_.lane_at && t < far_away && lanes_[i].asked < lanes_[next_.lane].asked);
    if (!earlier || waits_for_refresh(lanes_[i], next_.refresh)) continue;
    next_.lane_at = t;
    next_.lane = i;
  }
  next_.refresh_at = refresh_time(next_.refresh);
  return next_;
}

Picoseconds HbEngine::next(const ChannelOutput& output) const { return Picoseconds(decision(output).at()); }

Picoseconds HbEngine::next_command() const {
  Ps next = far_away;
  for (const RowCommand& row : rows_) next = std::min(next, row.time);
  for (const Train& train : trains_) next = std::min(next, train.first + train.emitted * train.share.pace_ps);
  for (const BusTrain& train : bus_trains_) next = std::min(next, after(train.first, train.emitted * bus_.burst));
  return Picoseconds(next);
}

void HbEngine::step(ChannelOutput& output, Picoseconds limit) {
  const Decision next = decision(output);
  next_known_ = false;
  decided_ = std::max(decided_, next.at());
  if (next.refresh_at <= next.lane_at) {
    if (!per_bank_) return refresh_all(next, output);
    return pending_.any ? refresh_bank(output) : close_for_refresh(next.refresh, next.refresh_at);
  }
  if (job_of(lanes_[next.lane]).transfer.bus_bytes > 0) {
    move_over_bus(output);
  } else if (lanes_[next.lane].phase == Phase::activate) {
    activate(next.lane, output, limit.value);
  } else {
    begin_row(next.lane, output, limit.value);
  }
}

// ---- Rows -----------------------------------------------------------------------------------------------------------------

void HbEngine::begin_row(std::size_t index, ChannelOutput& output, Ps limit) {
  Lane& lane = lanes_[index];
  const HbTransfer& transfer = job_of(lane).transfer;
  lane.at = time_of(lane);
  lane.row = lane.row < 0 ? transfer.extent.bank_offset / dram_->organization.page_bytes() : lane.row + 1;
  lane.opens = banks_to_open(share_of(lane, job_of(lane), lane.row), lane.row);
  if (lane.opens == 0) return plan_columns(index, output, limit);
  const std::size_t sub = subarray(lane.row);
  Ps close = lane.at;
  std::uint64_t closes = 0;
  for_each_bank(lane.opens, [&](std::size_t b) {
    if (banks_[b].row[sub] < 0) return;
    closes |= std::uint64_t{1} << b;
    close = std::max(close, banks_[b].pre_ready[sub]);
  });
  if (closes != 0) close_rows(closes, sub, row_timing_ ? edge(close) : lane.at, transfer.op);
  closed_ = 0;
  if (!row_timing_) return activate(index, output, limit);
  Ps open = lane.at;
  for_each_bank(lane.opens, [&](std::size_t b) { open = std::max(open, banks_[b].act_ready[sub]); });
  lane.phase = Phase::activate;
  lane.at = lane.asked = edge(open);
  if (closes != 0 && open_rows() == 0) closed_ = lane.at - edge(close);
}

void HbEngine::close_rows(std::uint64_t closes, std::size_t sub, Ps t, std::int32_t op) {
  if (!overlap_) rows_.push_back({t, DramCommand::pre, closes, -1, op});
  const Ps closed = after(t, n_.rp);
  for_each_bank(closes, [&](std::size_t b) {
    if (overlap_) rows_.push_back({t, DramCommand::pre, std::uint64_t{1} << b, banks_[b].row[sub], op});
    banks_[b].row[sub] = -1;
    banks_[b].act_ready[sub] = std::max(banks_[b].act_ready[sub], closed);
  });
  settled_ = std::max(settled_, closed);
}

HbEngine::Ps HbEngine::rank_act_ready() const {
  const Ps last = last_act();
  const Ps fourth = last_acts_[oldest_act_];
  if (last < 0) return 0;
  return std::max(after(last, n_.rrd), fourth < 0 ? 0 : after(fourth, n_.faw));
}

void HbEngine::activate(std::size_t index, ChannelOutput& output, Ps limit) {
  Lane& lane = lanes_[index];
  if (staggered_ && row_timing_ && rank_act_ready() > lane.at) {
    lane.at = rank_act_ready();
    return;
  }
  if (per_bank_ && row_timing_ && last_refpb_ >= 0 && after(last_refpb_, n_.refpb_to_act) > lane.at) {
    lane.at = after(last_refpb_, n_.refpb_to_act);
    return;
  }
  const std::size_t sub = subarray(lane.row);
  const bool write = job_of(lane).transfer.write;
  rows_.push_back({lane.at, DramCommand::act1, lane.opens, static_cast<std::int32_t>(lane.row), job_of(lane).transfer.op});
  const auto row = static_cast<std::int32_t>(lane.row);
  const Ps pre_ready = after(lane.at, n_.ras);
  const Ps act_ready = after(lane.at, n_.rc);
  const Ps column_ready = after(lane.at, write ? n_.rcd_write : n_.rcd);
  for_each_bank(lane.opens, [&](std::size_t b) {
    Bank& bank = banks_[b];
    bank.row[sub] = row;
    output.refresh.activates.activated(b);
    if (!row_timing_) return;
    bank.pre_ready[sub] = pre_ready;
    bank.act_ready[sub] = act_ready;
    bank.column_ready = column_ready;
  });
  last_acts_[oldest_act_] = lane.at;
  oldest_act_ = (oldest_act_ + 1) % 4;
  plan_columns(index, output, limit);
}

void HbEngine::plan_columns(std::size_t index, ChannelOutput& output, Ps limit) {
  Lane& lane = lanes_[index];
  const HbTransfer& transfer = job_of(lane).transfer;
  const RowShare share = share_of(lane, job_of(lane), lane.row);
  const std::size_t sub = subarray(lane.row);
  Ps first = std::max(lane.at, lane.column_end);
  for_each_bank(share.longer | share.shorter, [&](std::size_t b) {
    first = std::max({first, banks_[b].column_ready, transfer.write ? 0 : banks_[b].read_ready});
  });
  const auto used = [&](std::size_t b, std::int64_t count) {
    if (!row_timing_) return;
    const Ps end = first + ((share.passes - 1) * share.count + count - 1) * share.pace_ps + access_ps_;
    banks_[b].pre_ready[sub] = std::max(banks_[b].pre_ready[sub], timing_.closable(end, transfer.write));
    if (transfer.write) banks_[b].read_ready = end + timing_.wtr;
  };
  for_each_bank(share.longer, [&](std::size_t b) { used(b, share.count); });
  for_each_bank(share.shorter, [&](std::size_t b) { used(b, share.short_count); });
  const Ps decided = lane.at;
  lane.column_end = first + (share.accesses() - 1) * share.pace_ps + access_ps_;
  // PEs that pace their accesses do so from transfer to transfer too.
  const Ps paced = first + share.accesses() * share.pace_ps;
  for_each_bank(share.longer | share.shorter, [&](std::size_t b) { banks_[b].column_ready = std::max(banks_[b].column_ready, paced); });
  lane.phase = Phase::decide;
  lane.at = overlap_ ? first : lane.column_end;
  trains_.push_back({first, share, static_cast<std::int32_t>(lane.row), transfer.op, transfer.write, 0});
  output.account.add(TimeAccount::Kind::data, Picoseconds(first), Picoseconds(lane.column_end), Picoseconds(decided));
  const std::int64_t last_row = (transfer.extent.bank_offset + bytes_of(lane, job_of(lane)) - 1) / dram_->organization.page_bytes();
  if (lane.row == last_row) {
    last_row_state_.whole = false;
    end_share(index, output);
  } else if (!separate_ && !overlap_ && row_timing_ && !output.keep_log && !output.refresh.activates.enabled()) {
    repeat_rows(share, last_row, limit, output);
  }
}

/// The lane's part of its job is planned. Jobs end in the order they were submitted.
void HbEngine::end_share(std::size_t index, ChannelOutput& output) {
  Lane& lane = lanes_[index];
  Job& job = jobs_[lane.job - first_job_];
  job.end = std::max(job.end, lane.column_end);
  --job.lanes_left;
  ++lane.job;
  lane.row = -1;
  skip_others(index);
  end_jobs(output);
}

void HbEngine::end_jobs(ChannelOutput& output) {
  while (!jobs_.empty() && jobs_.front().lanes_left == 0) {
    last_end_ = std::max(last_end_, jobs_.front().end);
    output.events.push_back({Picoseconds(last_end_), ChannelEvent::Kind::hb_done, jobs_.front().transfer.tag, ChannelMode::nmp});
    jobs_.erase(jobs_.begin());
    ++first_job_;
    if (jobs_.empty()) output.account.end_work(Picoseconds(last_end_));
  }
}

// ---- All banks ------------------------------------------------------------------------------------------------------------

Picoseconds HbEngine::quiet_at() const {
  Ps quiet = 0;
  for (const Lane& lane : lanes_) quiet = std::max(quiet, lane.column_end);
  return Picoseconds(quiet);
}

Picoseconds HbEngine::activate_ready() const {
  Ps ready = 0;
  for (const Bank& bank : banks_) ready = std::max({ready, bank.act_ready[0], bank.act_ready[1]});
  return Picoseconds(ready);
}

std::int64_t HbEngine::open_rows() const {
  std::int64_t open = 0;
  for (const Bank& bank : banks_) open += (bank.row[0] >= 0) + (bank.row[1] >= 0);
  return open;
}

Picoseconds HbEngine::precharge_ready(Picoseconds t) const {
  Ps ready = std::max({t.value, quiet_at().value, settled_});
  for (const Bank& bank : banks_) {
    for (const std::size_t sub : {0U, 1U}) {
      if (bank.row[sub] >= 0 && row_timing_) ready = std::max(ready, bank.pre_ready[sub]);
    }
  }
  return Picoseconds(edge(ready));
}

Picoseconds HbEngine::precharge_all(Picoseconds t, std::int32_t op, ChannelOutput&) {
  pending_ = {};
  next_known_ = false;
  const std::int64_t open = open_rows();
  if (open == 0) return Picoseconds(edge(std::max(t.value, settled_)));
  rows_.push_back({t.value, DramCommand::prea, static_cast<std::uint64_t>(open), -1, op});
  const Ps closed = row_timing_ ? after(t.value, n_.rp_ab) : t.value;
  for (Bank& bank : banks_) {
    bank.row.fill(-1);
    for (Ps& ready : bank.act_ready) ready = std::max(ready, closed);
  }
  settled_ = std::max(settled_, row_timing_ ? after(t.value, n_.rp_refresh) : t.value);
  return Picoseconds(settled_);
}

}  // namespace bondsim
