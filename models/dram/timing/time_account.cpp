#include "models/dram/timing/time_account.hpp"

#include <algorithm>

#include "models/base/error.hpp"

namespace bondsim {
namespace {

constexpr std::int64_t open_end = INT64_MAX / 2;
constexpr std::size_t longest_track = 24;
constexpr std::size_t exclusive_parts = 6;
constexpr std::size_t open_part = 6;

}  // namespace

void IntervalTrack::add(std::int64_t from, std::int64_t to) {
  if (from >= to) return;
  if (size() == 0 || from > items_.back().to) {
    if (head_ > 16 && head_ * 2 > items_.size()) {
      items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
      head_ = 0;
    }
    items_.push_back({from, to});
    return;
  }
  std::size_t at = items_.size();
  while (at > head_ && items_[at - 1].to >= from) --at;  // the first interval that ends at or after `from`
  if (items_[at].from > to) {
    items_.insert(items_.begin() + static_cast<std::ptrdiff_t>(at), {from, to});
    return;
  }
  items_[at].from = std::min(items_[at].from, from);
  std::size_t last = at;
  while (last + 1 < items_.size() && items_[last + 1].from <= to) ++last;
  items_[at].to = std::max(items_[last].to, to);
  items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(at + 1), items_.begin() + static_cast<std::ptrdiff_t>(last + 1));
}

bool IntervalTrack::covers(std::int64_t t, std::int64_t& until) {
  while (head_ < items_.size() && items_[head_].to <= t) ++head_;
  if (head_ == items_.size()) {
    items_.clear();
    head_ = 0;
    return false;
  }
  const bool covered = items_[head_].from <= t;
  until = std::min(until, covered ? items_[head_].to : items_[head_].from);
  return covered;
}

void IntervalTrack::pack(std::int64_t now, PackedState& state) const {
  const std::size_t count_at = state.size();
  state.push_back(0);
  for (std::size_t i = head_; i < items_.size(); ++i) {
    if (items_[i].to <= now) continue;
    ++state[count_at];
    state.push_back(std::max<std::int64_t>(items_[i].from - now, 0));
    state.push_back(items_[i].to - now);
  }
}

void IntervalTrack::unpack(std::int64_t now, PackedReader& in) {
  head_ = 0;
  items_.resize(static_cast<std::size_t>(in.take()));
  for (Interval& item : items_) {
    item.from = now + in.take();
    item.to = now + in.take();
  }
}

bool IntervalTrack::open_at(std::int64_t now) const { return size() > 0 && items_.back().to == open_end && items_.back().from <= now; }

void TimeAccount::add(Kind kind, Picoseconds from, Picoseconds to, Picoseconds now) {
  IntervalTrack& track = tracks_[static_cast<std::size_t>(kind)];
  if (track.size() >= longest_track) advance(now.value);
  track.add(std::max(from.value, now_), to.value);
}

void TimeAccount::add_sums(Picoseconds from, const Sums& parts) {
  advance(from.value);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    sums_[mode_][i] += parts[i];
    if (i < exclusive_parts) now_ += parts[i];
  }
}

void TimeAccount::begin_work(Picoseconds from, int pseudo_channel) { work(pseudo_channel).add(from.value, open_end); }

void TimeAccount::end_work(Picoseconds to, int pseudo_channel) { work(pseudo_channel).cut(to.value); }

void TimeAccount::change_mode(ChannelMode mode, Picoseconds t) {
  advance(t.value);
  mode_ = mode == ChannelMode::normal ? 0 : 1;
}

void TimeAccount::advance(std::int64_t to) {
  while (now_ < to) {
    std::int64_t until = to;
    std::size_t part = 0;
    while (part < tracks_.size() && !tracks_[part].covers(now_, until)) ++part;
    for (std::size_t i = 0; i < other_work_.size() && part == tracks_.size(); ++i) {
      if (other_work_[i].covers(now_, until)) part = static_cast<std::size_t>(Kind::work);
    }
    sums_[mode_][part] += until - now_;
    now_ = until;
  }
}

void TimeAccount::advance_open_rows(std::int64_t to) {
  if (open_rows_ > 0) sums_[0][open_part] += to - open_rows_until_;
  open_rows_until_ = to;
}

void TimeAccount::change_open_rows(Picoseconds t, std::int64_t rows) {
  advance_open_rows(t.value);
  open_rows_ += rows;
}

bool TimeAccount::pack(Picoseconds now, PackedState& state) {
  advance(now.value);
  advance_open_rows(now.value);
  const auto track = [&](Kind kind) -> const IntervalTrack& { return tracks_[static_cast<std::size_t>(kind)]; };
  if (mode_ != 0 || !track(Kind::mode_switch).empty_after(now.value) || !track(Kind::work).open_at(now.value)) return false;
  track(Kind::data).pack(now.value, state);
  track(Kind::refresh).pack(now.value, state);
  state.push_back(open_rows_);
  return true;
}

void TimeAccount::unpack(Picoseconds now, PackedReader& in, const Sums& passed) {
  for (std::size_t i = 0; i < passed.size(); ++i) sums_[0][i] += passed[i];
  now_ = now.value;
  tracks_[static_cast<std::size_t>(Kind::data)].unpack(now_, in);
  tracks_[static_cast<std::size_t>(Kind::refresh)].unpack(now_, in);
  open_rows_ = in.take();
  open_rows_until_ = now_;
}

ChannelTimes TimeAccount::until(Picoseconds t) {
  check(t.value >= now_, "times asked for {} ps, already at {} ps", t.value, now_);
  advance(t.value);
  check(open_rows_ >= 0 && t.value >= open_rows_until_, "{} rows are open at {} ps, counted until {} ps", open_rows_, t.value,
        open_rows_until_);
  advance_open_rows(t.value);
  ChannelTimes times;
  times.host_transfer = Picoseconds(sums_[0][0] + sums_[1][3]);
  times.host_row = Picoseconds(sums_[0][4]);
  times.column = Picoseconds(sums_[1][0]);
  times.row = Picoseconds(sums_[1][4]);
  times.refresh = Picoseconds(sums_[0][1] + sums_[1][1]);
  times.mode_switch = Picoseconds(sums_[0][2] + sums_[1][2]);
  times.free = Picoseconds(sums_[0][5] + sums_[1][5]);
  times.rows_open = Picoseconds(sums_[0][open_part] + sums_[1][open_part]);
  return times;
}

}  // namespace bondsim
